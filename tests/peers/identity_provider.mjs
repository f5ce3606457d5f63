// A real identity provider on loopback, unmodified: `node identity_provider.mjs MODULES REDIRECT_URI CODE_SECONDS`.
// Says its issuer in a line, and ends with its input. Codes end after so many seconds, and every one is bound by PKCE.
import { createServer } from 'node:http';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const [modules, redirectUri, codeSeconds] = process.argv.slice(2);
const { Provider } = await import(pathToFileURL(join(modules, 'oidc-provider/lib/index.js')));

const server = createServer();
server.listen(0, '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, {
    clients: [{ client_id: 'tower', client_secret: 'a secret: with % signs', redirect_uris: [redirectUri] }],
    claims: { openid: ['sub'], email: ['email', 'email_verified'] },
    findAccount: (_, id) => ({
      accountId: id,
      claims: async () => ({ sub: id, email: `${id}@example.org`, email_verified: true }),
    }),
    pkce: { required: () => true },
    ttl: { AuthorizationCode: Number(codeSeconds), AccessToken: 60, IdToken: 60, Interaction: 60, Grant: 60, Session: 60 },
    cookies: { keys: ['for tests'] },
  });
  server.on('request', provider.callback());
  process.stdout.write(`${issuer}\n`);
});

process.stdin.resume();
process.stdin.on('end', () => process.exit());
