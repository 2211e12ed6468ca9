// Short-lived objects: V8 maps, trims and unmaps the pages of its young generation.
'use strict';
let sum = 0;
for (let i = 0; i < 60; i++) {
  const rows = [];
  for (let j = 0; j < 60000; j++) rows.push({ a: j, b: [j, i] });
  sum += rows.length;
}
console.log(sum);
