// Objects, Buffers, typed arrays, WebAssembly memory that grows, worker threads and child processes.
'use strict';
const crypto = require('crypto');
const zlib = require('zlib');
const { execFileSync } = require('child_process');
const { Worker, isMainThread, parentPort, workerData } = require('worker_threads');

const sha = (data) => crypto.createHash('sha256').update(data).digest('hex').slice(0, 16);

const ZEROS = Buffer.from('0'.repeat(400 * 4096).replace(/0/g, '\0'));

function objects(rounds) {
  let sum = 0;
  for (let i = 0; i < rounds; i++) {
    const rows = [];
    for (let j = 0; j < 30000; j++) rows.push({ a: j, b: j * i, s: `s${j}` });
    for (const r of rows) sum += (r.a ^ r.b) + r.s.length;
  }
  return sum;
}

function buffers() {
  const hash = crypto.createHash('sha256');
  for (let i = 0; i < 60; i++) {
    const nbytes = 4096 * (1 + (i * i) % 400);
    const b = Buffer.alloc(nbytes);
    if (!b.equals(ZEROS.subarray(0, nbytes))) throw new Error('a fresh buffer is not zero');
    b.fill(i & 255);
    hash.update(b);
  }
  return hash.digest('hex');
}

if (!isMainThread) {
  parentPort.postMessage({ n: workerData, sum: objects(6), buffers: buffers().length });
} else {
  main().catch((e) => { console.error(e); process.exitCode = 1; });
}

async function main() {
  const digest = (name, data) => console.log(name, sha(typeof data === 'string' || Buffer.isBuffer(data) ? data : JSON.stringify(data)));
  digest('objects', objects(25));
  const map = new Map();
  for (let i = 0; i < 100000; i++) map.set(`k${i}`, [i, `${i}`.repeat(i % 5)]);
  for (let i = 0; i < 100000; i += 3) map.delete(`k${i}`);
  digest('map', [...map]);
  digest('json', JSON.parse(JSON.stringify([...map])));
  map.clear();
  digest('buffers', buffers());
  const floats = Float64Array.from({ length: 500000 }, (_, i) => Math.sqrt(i)).sort((a, b) => b - a);
  digest('typed', Buffer.from(floats.buffer));
  const text = Array.from({ length: 100000 }, (_, i) => `word${i}`).join(' ');
  digest('text', text.replace(/word(\d)/g, '<$1>'));
  digest('zlib', zlib.inflateSync(zlib.deflateSync(Buffer.from(text), { level: 1 })));

  const memory = new WebAssembly.Memory({ initial: 1, maximum: 400 });
  const seen = [];
  for (let i = 0; i < 40; i++) {
    const view = new Uint8Array(memory.buffer);
    seen.push(view.length, view[view.length - 1]);
    view[view.length - 1] = i;
    memory.grow(5);
  }
  digest('wasm', seen);

  const results = await Promise.all([0, 1, 2, 3].map((n) => new Promise((resolve, reject) => {
    const w = new Worker(__filename, { workerData: n });
    w.on('message', resolve).on('error', reject);
  })));
  digest('workers', results.sort((a, b) => a.n - b.n));
  const child = 'let s = 0; for (let i = 0; i < 50; i++) s += Array(10000).fill({ i }).length; console.log(s)';
  digest('children', [1, 2].map(() => execFileSync(process.execPath, ['-e', child]).toString()));
  digest('objects again', objects(10));
  process.exitCode = 3;
}
