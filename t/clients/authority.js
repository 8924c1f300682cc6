// An authorisation server, npm's oidc-provider, and an endpoint that accepts
// its tokens only.
// usage: node authority.js NODE_MODULES PORT
//   POST /token      client credentials; GET /counts: what was asked for
//   POST /assertion  RFC 7523: the assertion is verified by npm's jose, with
//                    the public key (PEM) that PUT /key has set
//   POST /hook/...   200 with a valid token, else 401
//   PUT  /ttl/N      seconds that a token lives; DELETE /tokens revokes all
//   PUT  /fail/N     the next N requests for tokens are answered with 503

'use strict';

const http = require('http');
const path = require('path');
const { pathToFileURL } = require('url');

const [modules, port] = process.argv.slice(2);
const issuer = `http://127.0.0.1:${port}`;
const counts = { tokens: 0, assertions: 0, hooks: 0, refused: 0, last: {} };
const given = new Set();
let ttl = 600;
let fail = 0;
let key;

const load = (name, file) => import(
    pathToFileURL(path.join(modules, name, file)).href);

function body(request) {
    return new Promise((done) => {
        const parts = [];
        request.on('data', (part) => parts.push(part));
        request.on('end', () => done(Buffer.concat(parts).toString()));
    });
}

function answer(response, status, json) {
    response.writeHead(status, { 'Content-Type': 'application/json' });
    response.end(JSON.stringify(json));
}

(async () => {
    const { Provider } = await load('oidc-provider', 'lib/index.js');
    const jose = await import(require.resolve('jose', { paths: [modules] }));

    const client = (id, method) => ({
        client_id: id, client_secret: 'p+&=:s/ecret%' + 'x'.repeat(20),
        grant_types: ['client_credentials'], response_types: [],
        redirect_uris: [], token_endpoint_auth_method: method,
        scope: 'hooks:write',
    });

    const provider = new Provider(issuer, {
        clients: [client('shop', 'client_secret_basic'),
                  client('by post', 'client_secret_post')],
        scopes: ['hooks:write'],
        features: { clientCredentials: { enabled: true },
                    devInteractions: { enabled: false } },
        ttl: { ClientCredentials: () => ttl },
    });
    const callback = provider.callback();

    async function assertion(request, response) {
        const form = new URLSearchParams(await body(request));

        counts.assertions++;

        try {
            if (form.get('grant_type')
                !== 'urn:ietf:params:oauth:grant-type:jwt-bearer') {
                throw new Error('no such grant');
            }
            const head = jose.decodeProtectedHeader(form.get('assertion'));
            const { payload } = await jose.jwtVerify(form.get('assertion'),
                await jose.importSPKI(key, head.alg),
                { audience: `${issuer}/assertion`, maxTokenAge: '10m',
                  requiredClaims: ['iss', 'exp', 'jti'] });
            counts.last = { head, payload, scope: form.get('scope') };
        } catch (error) {
            answer(response, 400, { error: 'invalid_grant',
                                    error_description: error.message });
            return;
        }

        const token = `assertion-${counts.assertions}`;
        given.add(token);
        answer(response, 200, { access_token: token, token_type: 'bearer',
                                expires_in: String(ttl) });
    }

    async function hook(request, response) {
        const [, token] = /^Bearer (\S+)$/
            .exec(request.headers.authorization || '') || [];
        const found = token && (given.has(token)
            || await provider.ClientCredentials.find(token));

        await body(request);
        counts[found ? 'hooks' : 'refused']++;
        answer(response, found ? 200 : 401, {});
    }

    const known = [];

    http.createServer(async (request, response) => {
        const [, what, value] = request.url.split('/');

        if (request.method === 'GET' && what === 'counts') {
            answer(response, 200, counts);
        } else if (what === 'ttl') {
            ttl = Number(value);
            answer(response, 200, {});
        } else if (what === 'fail') {
            fail = Number(value);
            answer(response, 200, {});
        } else if (what === 'key') {
            key = await body(request);
            answer(response, 200, {});
        } else if (what === 'tokens') {
            given.clear();
            for (const token of known.splice(0)) {
                const found = await provider.ClientCredentials.find(token);
                if (found) {
                    await found.destroy();
                }
            }
            answer(response, 200, {});
        } else if (what === 'hook') {
            hook(request, response);
        } else if (fail > 0) {
            fail--;
            answer(response, 503, { error: 'temporarily_unavailable' });
        } else if (what === 'assertion') {
            assertion(request, response);
        } else {
            counts.tokens++;
            counts.last = request.headers;
            callback(request, response);
        }
    }).listen(Number(port), '127.0.0.1');

    provider.on('client_credentials.saved', (token) => known.push(token.jti));
})();
