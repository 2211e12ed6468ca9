const crypto = require('crypto');
const { Worker, isMainThread, parentPort } = require('worker_threads');
function work(seed) {
  const hash = crypto.createHash('sha256');
  for (let round = 0; round < 8; round++) {
    const objects = [];
    for (let i = 0; i < 20000; i++) objects.push({ i: i * seed, text: 'n' + i, list: [i, round] });
    hash.update(JSON.stringify(objects));
    hash.update(Buffer.alloc(500000, round));
  }
  return hash.digest('hex');
}
if (isMainThread) {
  const worker = new Worker(__filename);
  worker.on('message', (text) => { console.log(work(1), text); process.exitCode = 3; });
} else {
  parentPort.postMessage(work(2));
}
