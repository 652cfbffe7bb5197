// Test-only OpenID Provider. Usage: node provider.mjs PORT CONFIG   (CONFIG: JSON text or path of a JSON file, or env OIDC_CONFIG)
// CONFIG = {"clients":[{client_id, client_secret, redirect_uris, post_logout_redirect_uris}], "accounts":{"alice":{claims}}, "claimsInIdToken":true}
import { createServer } from 'node:http';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import Provider from 'oidc-provider';

const port = Number(process.argv[2]);
const raw = process.argv[3] ?? process.env.OIDC_CONFIG ?? '{}';
const config = JSON.parse(raw.trimStart().startsWith('{') ? raw : readFileSync(raw, 'utf8'));
const issuer = `http://127.0.0.1:${port}`;

// One store for every Provider instance of this process, so codes, sessions and tokens outlive a key rotation.
const store = new Map();
class Adapter {
  constructor(name) { this.name = name; }
  key(id) { return `${this.name}:${id}`; }
  async upsert(id, payload, ttl) { store.set(this.key(id), { payload, exp: ttl ? Date.now() + ttl * 1000 : Infinity }); }
  async find(id) { const e = store.get(this.key(id)); return e && e.exp > Date.now() ? structuredClone(e.payload) : undefined; }
  async #by(field, value) { for (const [k, e] of store) if (k.startsWith(`${this.name}:`) && e.payload[field] === value) return this.find(k.slice(this.name.length + 1)); return undefined; }
  findByUid(uid) { return this.#by('uid', uid); }
  findByUserCode(code) { return this.#by('userCode', code); }
  async consume(id) { const e = store.get(this.key(id)); if (e) e.payload.consumed = Math.floor(Date.now() / 1000); }
  async destroy(id) { store.delete(this.key(id)); }
  async revokeByGrantId(grantId) { for (const [k, e] of store) if (k.startsWith(`${this.name}:`) && e.payload.grantId === grantId) store.delete(k); }
}

const newKey = () => ({ ...generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' }), use: 'sig', alg: 'RS256', kid: randomBytes(8).toString('hex') });
const cookieKeys = [randomBytes(16).toString('hex')];
const claimsOf = (id) => ({ name: id, email: `${id}@example.test`, email_verified: true, phone_number: '+8613800000000', phone_number_verified: true, real_name_verified: true, id_card_number: '110101199003070011', ...config.accounts?.[id], sub: id });

function build(keys) {
  const provider = new Provider(issuer, {
    adapter: Adapter, jwks: { keys }, cookies: { keys: cookieKeys }, pkce: { required: () => true },
    clients: (config.clients ?? []).map((c) => ({ token_endpoint_auth_method: 'client_secret_basic', grant_types: ['authorization_code'], response_types: ['code'], ...c })),
    claims: { openid: ['sub'], profile: ['name'], email: ['email', 'email_verified'], phone: ['phone_number', 'phone_number_verified'], real_name: ['real_name_verified', 'id_card_number'] },
    conformIdTokenClaims: config.claimsInIdToken === false, // true: scope claims only from userinfo (the spec's way)
    findAccount: async (_ctx, id) => ({ accountId: id, claims: async () => claimsOf(id) }),
    interactions: { url: (_ctx, interaction) => `/login/${interaction.uid}` },
    ttl: { AccessToken: 600, AuthorizationCode: 60, IdToken: 600, Interaction: 600, Session: 3600, Grant: 3600, ...config.ttl },
    features: {
      devInteractions: { enabled: false },
      rpInitiatedLogout: { enabled: true,
        logoutSource: async (ctx, form) => { ctx.body = `<!doctype html><title>logout</title>${form}<input type="hidden" form="op.logoutForm" name="logout" value="yes"><script>document.forms[0].submit()</script>`; },
        postLogoutSuccessSource: async (ctx) => { ctx.body = 'signed out'; } },
    },
    async loadExistingGrant(ctx) { // consent is given automatically
      const id = ctx.oidc.session.grantIdFor(ctx.oidc.client.clientId);
      const grant = (id && await ctx.oidc.provider.Grant.find(id)) || new ctx.oidc.provider.Grant({ clientId: ctx.oidc.client.clientId, accountId: ctx.oidc.session.accountId });
      grant.addOIDCScope([...ctx.oidc.requestParamScopes].join(' '));
      await grant.save();
      return grant;
    },
  });
  provider.on('server_error', (_ctx, err) => console.error(err));
  return provider;
}

let keys = [newKey()];
let provider = build(keys);
let handler = provider.callback();

async function login(req, res) {
  const { prompt, params } = await provider.interactionDetails(req, res);
  let account = params.login_hint;
  if (req.method === 'POST') {
    let body = '';
    for await (const chunk of req) body += chunk;
    account = new URLSearchParams(body).get('account');
  }
  if (!account) {
    res.setHeader('content-type', 'text/html; charset=utf-8');
    return res.end('<!doctype html><title>test provider</title><form method="post"><label>account <input name="account" required autofocus></label><button>login</button></form>');
  }
  const result = account === 'deny' || prompt.name !== 'login' ? { error: 'access_denied', error_description: 'refused' } : { login: { accountId: account, remember: false } };
  return provider.interactionFinished(req, res, result, { mergeWithLastSubmission: false });
}

createServer((req, res) => {
  const { pathname, searchParams } = new URL(req.url, issuer);
  if (pathname === '/control/rotate' && req.method === 'POST') { // ?drop=1 also stops publishing the old keys
    keys = searchParams.has('drop') ? [newKey()] : [newKey(), ...keys];
    provider = build(keys); handler = provider.callback();
    return res.end(JSON.stringify({ kids: keys.map((k) => k.kid) }));
  }
  if (pathname.startsWith('/login/')) return login(req, res).catch((err) => { res.statusCode = 400; res.end(String(err)); });
  return handler(req, res);
}).listen(port, '127.0.0.1', () => console.log('ready'));
