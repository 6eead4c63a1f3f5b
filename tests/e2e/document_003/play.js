'use strict';
// Node 20 has no WebSocket of its own; the document's client expects the browser's.
const fs = require('fs');
const path = require('path');
const readline = require('readline');
const vm = require('vm');

globalThis.WebSocket = require('ws');
globalThis.console = console;
const file = path.join(__dirname, 'client.js');
vm.runInThisContext(fs.readFileSync(file, 'utf8'), {filename: file});
const client = vm.runInThisContext('client');

// ["sendMessage", "user456", "Hello"]
readline.createInterface({input: process.stdin}).on('line', (line) => {
  const [method, ...values] = JSON.parse(line);
  client[method](...values);
}).on('close', () => process.exit(0));
