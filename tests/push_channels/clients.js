// Clients that nobody here wrote, against the simulated providers: what these take for APNs and FCM is such.
// Argument: what loft-push-simulate printed.
"use strict";
const assert = require("assert");
const fs = require("fs");
const http2 = require("http2");
const apn = require("@parse/node-apn");
const { JWT } = require("google-auth-library");

const there = JSON.parse(process.argv[2]);
const device = "0f3a" + "b".repeat(60);

function apnsProvider(changes = {}) {
  const address = new URL(there.apns);
  return new apn.Provider({
    token: { key: there.key_path, keyId: there.key_id, teamId: there.team_id, ...changes },
    address: address.hostname,
    port: Number(address.port),
    ca: fs.readFileSync(there.ca_file),
    connectionRetryLimit: 1,
    requestTimeout: 20000,
  });
}

function note(changes = {}) {
  const out = new apn.Notification({ alert: { title: "Ada", body: "from node-apn" }, topic: there.bundle_id });
  out.pushType = "alert";
  out.badge = 2;
  out.collapseId = "one";
  out.expiry = Math.floor(Date.now() / 1000) + 3600;
  return Object.assign(out, changes);
}

async function apns() {
  const provider = apnsProvider();
  const good = await provider.send(note(), device);
  assert.deepStrictEqual(good.failed, []);
  assert.strictEqual(good.sent[0].device, device);

  const reasonOf = async (notification, token) => {
    const { failed } = await provider.send(notification, token);
    assert.strictEqual(failed.length, 1, `${token} was taken`);
    return [Number(failed[0].status), failed[0].response.reason];
  };
  assert.deepStrictEqual(await reasonOf(note(), "ab".repeat(8)), [400, "BadDeviceToken"]);
  assert.deepStrictEqual(await reasonOf(note({ topic: "org.example.other" }), device), [400, "TopicDisallowed"]);
  assert.deepStrictEqual(await reasonOf(note({ topic: undefined }), device), [400, "MissingTopic"]);
  assert.deepStrictEqual(await reasonOf(note({ priority: 7 }), device), [400, "BadPriority"]);
  assert.deepStrictEqual(await reasonOf(note({ pushType: "shout" }), device), [400, "InvalidPushType"]);
  assert.deepStrictEqual(await reasonOf(note({ collapseId: "c".repeat(65) }), device), [400, "BadCollapseId"]);
  assert.deepStrictEqual(await reasonOf(note({ id: "no-uuid" }), device), [400, "BadMessageId"]);
  assert.deepStrictEqual(await reasonOf(note({ body: "x".repeat(5000) }), device), [413, "PayloadTooLarge"]);
  assert.deepStrictEqual(await reasonOf(note(), "410-gone"), [410, "Unregistered"]);
  assert.deepStrictEqual(await reasonOf(note(), "429-often"), [429, "TooManyRequests"]);
  const slow = await provider.send(note(), "slow-one");
  assert.strictEqual(slow.sent.length, 1);
  await provider.shutdown();

  for (const changes of [{ teamId: "OTHERTEAM1" }, { keyId: "OTHERKEY01" }]) {
    const stranger = apnsProvider(changes);
    const { failed } = await stranger.send(note(), device);
    assert.strictEqual(failed[0].response.reason, "InvalidProviderToken");
    await stranger.shutdown();
  }
}

/** What no client sends, over Node's own HTTP/2. */
async function rawApns() {
  const session = http2.connect(there.apns, { ca: fs.readFileSync(there.ca_file) });
  const ask = (headers, body = '{"aps":{}}') =>
    new Promise((resolve, reject) => {
      const request = session.request({ ":method": "POST", ":path": `/3/device/${device}`, ...headers });
      let status, text = "";
      request.on("response", (h) => (status = h[":status"]));
      request.on("data", (data) => (text += data));
      request.on("end", () => resolve([status, text && JSON.parse(text).reason]));
      request.on("error", reject);
      request.end(body);
    });
  assert.deepStrictEqual(await ask({}), [403, "MissingProviderToken"]);
  assert.deepStrictEqual(await ask({ authorization: "bearer a.b.c" }), [403, "InvalidProviderToken"]);
  assert.deepStrictEqual(await ask({ ":method": "PUT" }), [405, "MethodNotAllowed"]);
  assert.deepStrictEqual(await ask({ ":path": "/4/device/x" }), [404, "BadPath"]);
  await new Promise((done) => session.close(done));
  await assert.rejects(fetch(`${there.apns}/3/device/${device}`, { method: "POST" }), "HTTP/1.1 was taken");
}

function googleClient(changes = {}) {
  const account = JSON.parse(fs.readFileSync(there.service_account));
  const client = new JWT({
    email: account.client_email,
    key: account.private_key,
    keyId: account.private_key_id,
    scopes: ["https://www.googleapis.com/auth/firebase.messaging"],
    ...changes,
  });
  // The library knows one token endpoint only.
  client.transporter.interceptors.request.add({
    resolved: async (request) => {
      const url = String(request.url);
      if (url.startsWith("https://oauth2.googleapis.com/token")) request.url = new URL(there.token_uri);
      return request;
    },
  });
  return [client, account.project_id];
}

async function fcm() {
  const [client, project] = googleClient();
  const send = (message, more = {}) =>
    client.request({
      url: `${there.fcm}/v1/projects/${more.project || project}/messages:send`,
      method: "POST",
      data: { message, ...more.body },
      retry: false,
    });
  const good = await send({
    token: "registration-token-of-a-device",
    notification: { title: "Ada", body: "from google-auth-library" },
    data: { message_id: "1" },
    android: { priority: "high", ttl: "60s", collapse_key: "one" },
  });
  assert.match(good.data.name, new RegExp(`^projects/${project}/messages/`));

  const failure = async (message, more) => {
    try {
      await send(message, more);
    } catch (error) {
      const details = error.response.data.error.details;
      const fcmError = details.find((d) => d["@type"].endsWith("google.firebase.fcm.v1.FcmError"));
      return [error.response.status, fcmError && fcmError.errorCode];
    }
    throw new Error("was taken");
  };
  assert.deepStrictEqual(await failure({ token: "404-gone" }), [404, "UNREGISTERED"]);
  assert.deepStrictEqual(await failure({ token: "short" }), [400, "INVALID_ARGUMENT"]);
  assert.deepStrictEqual(await failure({ token: "x".repeat(20), data: { n: 1 } }), [400, undefined]);
  assert.deepStrictEqual(await failure({ token: "x".repeat(20), nonsense: 1 }), [400, undefined]);
  assert.deepStrictEqual(await failure({ token: "x".repeat(20), android: { ttl: "60" } }), [400, undefined]);
  assert.deepStrictEqual(await failure({ notification: { title: "to nobody" } }), [400, undefined]);
  assert.deepStrictEqual(await failure({ token: "x".repeat(20), data: { b: "x".repeat(5000) } }), [400, "INVALID_ARGUMENT"]);
  assert.deepStrictEqual(await failure({ token: "x".repeat(20), data: { from: "me" } }), [400, "INVALID_ARGUMENT"]);
  assert.deepStrictEqual(await failure({ token: "x".repeat(20) }, { project: "another" }), [403, undefined]);
  const dry = await send({ topic: "news" }, { body: { validate_only: true } });
  assert.strictEqual(dry.status, 200);

  for (const changes of [{ email: "stranger@example.org" }, { scopes: ["https://www.googleapis.com/auth/drive"] }]) {
    const [stranger] = googleClient(changes);
    await assert.rejects(stranger.authorize(), /invalid_/);
  }
  const { generateKeyPairSync } = require("crypto");
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const [forger] = googleClient({ key: privateKey.export({ type: "pkcs8", format: "pem" }) });
  await assert.rejects(forger.authorize(), /invalid_grant/);
  const bare = await fetch(`${there.fcm}/v1/projects/${project}/messages:send`, { method: "POST", body: "{}" });
  assert.strictEqual(bare.status, 401);
}

async function main() {
  await apns();
  await rawApns();
  await fcm();
  console.log("all clients agree");
}

main().then(() => process.exit(0), (error) => {
  console.error(error);
  process.exit(1);
});
