// Registers people by the TypeScript SDK, unmodified: `node fetch.mjs MODULES BASE_URL`. A line `mail ADDRESS` asks for the
// latest code that was mailed there; each line `ok …` is a promise kept.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const [modules, base] = process.argv.slice(2);
const ory = createRequire(join(modules, 'x.js'))('@ory/client-fetch');
const answers = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

// Without it fetch accepts anything, and some answers are redirects to pages: as with Kratos.
const headers = { accept: 'application/json' };

async function mailed(address) {
  console.log(`mail ${address}`);
  return (await answers.next()).value.trim();
}

/// What was answered in place of success, read by the SDK's own type.
async function refused(status, read, call) {
  const thrown = await call.then(() => assert.fail('it succeeded'), (thrown) => thrown);
  assert.ok(thrown instanceof ory.ResponseError, String(thrown));
  assert.equal(thrown.response.status, status);
  return read(await thrown.response.json());
}

/// The SDK has two types for errors; the members that Kratos answers are those of this one.
const error = (body) => ory.GenericErrorFromJSON(body.error);
const numbers = (node) => node.messages.map((message) => message.id);
const named = (flow, name) => flow.ui.nodes.find((node) => node.attributes.name === name);
const next = (done, action) => done.continue_with.find((item) => item.action === action);
const newcomer = () => `ts-${crypto.randomUUID()}@example.org`;

async function native() {
  const api = new ory.FrontendApi(new ory.Configuration({ basePath: base, headers }));
  const email = newcomer();
  const flow = await api.createNativeRegistrationFlow();
  assert.equal(flow.type, 'api');
  assert.ok(flow.expires_at instanceof Date);
  assert.equal(named(flow, 'traits.email').attributes.node_type, 'input');
  const submit = (id, password) =>
    api.updateRegistrationFlow({ flow: id, updateRegistrationFlowBody: { method: 'password', password, traits: { email } } });

  const weak = await refused(400, ory.RegistrationFlowFromJSON, submit(flow.id, 'short'));
  assert.equal(weak.id, flow.id);
  assert.deepEqual(numbers(named(weak, 'password')), [4000032]);
  assert.equal(named(weak, 'traits.email').attributes.value, email);
  const done = await submit(flow.id, 'correct horse battery');
  assert.equal(done.identity.traits.email, email);
  assert.equal(next(done, 'set_ory_session_token').ory_session_token, done.session_token);
  console.log('ok a native client registers, after a mistake that it can read');

  const signedIn = () => api.toSession({ xSessionToken: done.session_token });
  assert.equal((await signedIn()).identity.verifiable_addresses[0].verified, false);
  const proof = await api.getVerificationFlow({ id: next(done, 'show_verification_ui').flow.id });
  assert.equal(proof.state, 'sent_email');
  const prove = (code) =>
    api.updateVerificationFlow({ flow: proof.id, updateVerificationFlowBody: { method: 'code', code } });
  const code = await mailed(email);
  const wrong = await prove(code === '000000' ? '111111' : '000000');
  assert.deepEqual(wrong.ui.messages.map((message) => message.id), [4070006]);
  assert.equal((await prove(code)).state, 'passed_challenge');
  assert.equal((await signedIn()).identity.verifiable_addresses[0].verified, true);
  console.log('ok the address is proved by the code of a letter');

  const again = await api.createNativeRegistrationFlow();
  const taken = await refused(400, ory.RegistrationFlowFromJSON, submit(again.id, 'another good password'));
  assert.deepEqual(taken.ui.messages.map((message) => message.id), [4000007]);
  const unknown = await refused(404, error, api.getRegistrationFlow({ id: crypto.randomUUID() }));
  assert.equal(unknown.code, 404);
  const nobody = await refused(401, error, api.toSession({ xSessionToken: 'nobody' }));
  assert.equal(nobody.status, 'Unauthorized');
  console.log('ok refusals are read by their types');
}

async function byCode() {
  const api = new ory.FrontendApi(new ory.Configuration({ basePath: base, headers }));
  const email = newcomer();
  const flow = await api.createNativeRegistrationFlow();
  const submit = (more) =>
    api.updateRegistrationFlow({ flow: flow.id, updateRegistrationFlowBody: { method: 'code', traits: { email }, ...more } });

  const sent = await refused(400, ory.RegistrationFlowFromJSON, submit({}));
  assert.equal(sent.state, 'sent_email');
  const done = await submit({ code: await mailed(email) });
  assert.equal(done.session.authentication_methods[0].method, 'code');
  console.log('ok a native client registers with a code');
}

async function social() {
  const api = new ory.FrontendApi(new ory.Configuration({ basePath: base, headers }));
  const flow = await api.createNativeRegistrationFlow({ returnSessionTokenExchangeCode: true });
  assert.equal(flow.session_token_exchange_code.length, 64);
  const away = await refused(422, ory.ErrorBrowserLocationChangeRequiredFromJSON, api.updateRegistrationFlow({
    flow: flow.id, updateRegistrationFlowBody: { method: 'oidc', provider: 'github', traits: {} },
  }));
  assert.equal(new URL(away.redirect_browser_to).host, 'github.com');
  console.log('ok a provider is left for');
}

async function browser() {
  // The cookies of one browser: the SDK leaves them to the platform.
  const jar = new Map();
  const fetchApi = async (url, init) => {
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
    const answer = await fetch(url, { ...init, headers: { ...init.headers, ...(cookie && { cookie }) } });
    for (const line of answer.headers.getSetCookie()) {
      const [pair] = line.split(';');
      jar.set(pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1));
    }
    return answer;
  };
  const api = new ory.FrontendApi(new ory.Configuration({ basePath: base, fetchApi, headers, credentials: 'include' }));
  const stranger = new ory.FrontendApi(new ory.Configuration({ basePath: base, headers }));
  const email = newcomer();

  const flow = await api.createBrowserRegistrationFlow({ returnTo: 'http://127.0.0.1:4455/afterwards' });
  assert.equal(flow.return_to, 'http://127.0.0.1:4455/afterwards');
  const csrf_token = named(flow, 'csrf_token').attributes.value;
  const body = { method: 'password', password: 'correct horse battery', traits: { email }, csrf_token };
  const answer = { flow: flow.id, updateRegistrationFlowBody: body };
  const foreign = await refused(403, error, stranger.updateRegistrationFlow(answer));
  assert.equal(foreign.id, 'security_csrf_violation');
  assert.equal((await api.getRegistrationFlow({ id: flow.id })).id, flow.id);
  console.log('ok a flow of a browser is nothing without its cookie');

  const done = await api.updateRegistrationFlow(answer);
  assert.equal(done.session_token, undefined);
  assert.equal(next(done, 'redirect_browser_to').redirect_browser_to, 'http://127.0.0.1:4455/afterwards');
  assert.ok(next(done, 'show_verification_ui').flow.url.startsWith('http://127.0.0.1:4455/verification?flow='));
  assert.equal((await api.toSession()).identity.id, done.identity.id);
  const twice = await refused(400, error, api.createBrowserRegistrationFlow());
  assert.equal(twice.id, 'session_already_available');
  console.log('ok a single-page application registers, and is signed in by its cookie');
}

await native();
await byCode();
await social();
await browser();
process.exit();
