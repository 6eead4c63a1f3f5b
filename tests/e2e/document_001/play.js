'use strict';
// What the document's sample expects around it: `socket` and `authToken`. Then it does what standard input says:
//   ["push", "send_message", {…}]   ["leave"]   ["join", "user:…", {…}]
// and prints one line of JSON for each thing that happens.
const fs = require('fs');
const path = require('path');
const readline = require('readline');
const vm = require('vm');
const {Socket} = require('phoenix');

const [url, token, topic] = process.argv.slice(2);
const say = (...words) => console.log(JSON.stringify(words));
globalThis.socket = new Socket(url, {transport: require('ws'), params: {token}, heartbeatIntervalMs: 100,
                                     reconnectAfterMs: () => 50, rejoinAfterMs: () => 50});
globalThis.authToken = token;
globalThis.console = console;
socket.onOpen(() => say('open'));
socket.onClose((event) => say('close', event.code));
socket.onMessage((message) => {
  if (message.topic === 'phoenix') say('heartbeat', message.payload.status, typeof message.ref);
  return message;
});
// The sample names one user; here it is whoever the test made. Its code stays as it is.
const file = path.join(__dirname, 'client.js');
const sample = fs.readFileSync(file, 'utf8');
const join = socket.channel.bind(socket);
socket.channel = (name, params) => join(topic || name, params);
vm.runInThisContext(sample, {filename: file});
const channel = vm.runInThisContext('channel');
channel.on('event', (event) => say('event', event));
channel.onClose(() => say('channel closed'));
channel.onError((reason) => say('channel error', reason || null));

const report = (push, what) => push.receive('ok', (response) => say(what, 'ok', response))
    .receive('error', (response) => say(what, 'error', response))
    .receive('timeout', () => say(what, 'timeout'));
readline.createInterface({input: process.stdin}).on('line', (line) => {
  const [act, ...words] = JSON.parse(line);
  if (act === 'push') report(channel.push(...words), words[0]);
  if (act === 'push binary') report(channel.push(words[0], new Uint8Array([1, 2, 3]).buffer), words[0]);
  if (act === 'leave') report(channel.leave(), 'leave');
  if (act === 'join') report(join(...words).join(), 'join');
}).on('close', () => process.exit(0));
