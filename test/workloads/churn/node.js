// Short-lived objects: V8 maps, trims and unmaps the pages of its young generation.
'use strict';
let sum = 0;
for (let i = 0; i < 200; i++) {
  const rows = [];
  for (let j = 0; j < 100000; j++) rows.push({ x: j, y: [j] });
  sum += rows.length;
}
console.log(sum);
