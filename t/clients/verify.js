// The judges: what subscribers verify our calls with.  Reads a call a line,
// {"secret","headers","body","judges":[NAME,...]} (the body's bytes as
// characters 0 to 255; headers with names in lower case, as Node has them),
// and writes for each what those say: {NAME:"ok"|REASON,...}.  More members:
// "jwks" and "alg" for jose, which adds "claims" and "header" to what it says;
// cloudevents adds "event".
'use strict';

const crypto = require('crypto');
const readline = require('readline');
const { pathToFileURL } = require('url');

// NODE_PATH is for require() only
const load = (name) => import(pathToFileURL(require.resolve(name)));

// Node 18, which Debian 12 has, has it by this name only
globalThis.crypto ??= crypto.webcrypto;

const judges = {
    standardwebhooks(call) {
        const { Webhook } = require('standardwebhooks');
        new Webhook(call.secret).verify(call.body, call.headers);
    },

    async svix(call) {
        const { Webhook } = await load('svix');
        new Webhook(call.secret).verify(call.body, call.headers);
    },

    stripe(call) {
        const Stripe = require('stripe');
        new Stripe('sk_test').webhooks.constructEvent(
            call.body, call.headers['stripe-signature'], call.secret);
    },

    async octokit(call) {
        const { Webhooks } = await load('@octokit/webhooks');
        const webhooks = new Webhooks({ secret: call.secret });
        const got = [];

        webhooks.onAny((event) => { got.push(event); });
        await webhooks.verifyAndReceive({
            id: call.headers['x-github-delivery'],
            name: call.headers['x-github-event'],
            signature: call.headers['x-hub-signature-256'],
            payload: call.body,
        });
        if (got.length !== 1
            || got[0].name !== call.headers['x-github-event'])
        {
            throw new Error('it was not received');
        }
    },

    cloudevents(call, verdict) {
        const { HTTP } = require('cloudevents');
        const message = { headers: call.headers, body: call.body };

        if (!HTTP.isEvent(message)) {
            throw new Error('it is not a CloudEvent');
        }
        verdict.event = HTTP.toEvent(message);
        [].concat(verdict.event).forEach((event) => event.validate());
    },

    async jose(call, verdict) {
        const jose = await load('jose');
        const token = call.headers.authorization.replace(/^Bearer /, '');
        const key = call.jwks
            ? jose.createRemoteJWKSet(new URL(call.jwks))
            : new TextEncoder().encode(call.secret);
        const { payload, protectedHeader } = await jose.jwtVerify(
            token, key, { algorithms: [call.alg], requiredClaims:
                          ['iat', 'exp', 'jti'], maxTokenAge: '5m' });

        verdict.claims = payload;
        verdict.header = protectedHeader;
    },

    // v1a of Standard Webhooks, which its library leaves out
    ed25519(call) {
        const raw = Buffer.from(call.secret.slice(5), 'base64');
        const der = (head) => Buffer.concat([Buffer.from(head, 'hex'),
                                             raw.subarray(0, 32)]);
        const key = call.secret.startsWith('whpk_')
            ? crypto.createPublicKey({ format: 'der', type: 'spki',
                key: der('302a300506032b6570032100') })
            : crypto.createPublicKey(crypto.createPrivateKey({
                format: 'der', type: 'pkcs8',
                key: der('302e020100300506032b657004220420') }));
        const { 'webhook-id': id, 'webhook-timestamp': time,
                'webhook-signature': signature } = call.headers;

        if (!signature.split(' ').some((one) => crypto.verify(null,
                Buffer.from(`${id}.${time}.${call.body}`), key,
                Buffer.from(one.replace('v1a,', ''), 'base64'))))
        {
            throw new Error('wrong signature');
        }
    },

    // the text of the secret is the key
    hmac(call) {
        const code = crypto.createHmac('sha512', call.secret)
                           .update(call.body).digest('base64');

        if (call.headers['x-signature'] !== code) {
            throw new Error('wrong signature');
        }
    },

    // the contact centre's own snippet: but for the module's name, misspelt
    // there, and the header's key, which Node has in lower case
    connector(call) {
        const req = { headers: call.headers, body: JSON.parse(call.body) };
        var hmac = crypto.createHmac('sha256', call.secret);
        const data = hmac.update(req.body.eventId + req.body.sessionId);
        const gen_hmac = data.digest('hex');

        if (req.headers['x-hmac'] === gen_hmac) {
            // Valid source, process the request
        } else {
            // Not a valid source. Return 401 Unauthorized as the response
            throw new Error('401');
        }
    },
};

async function judge(line) {
    const call = JSON.parse(line);
    const verdict = {};

    call.body = Buffer.from(call.body, 'latin1').toString('utf8');

    for (const name of call.judges || ['standardwebhooks', 'svix']) {
        try {
            await judges[name](call, verdict);
            verdict[name] = 'ok';
        } catch (error) {
            verdict[name] = error.message || String(error);
        }
    }
    return verdict;
}

(async () => {
    for await (const line of readline.createInterface(
                   { input: process.stdin })) {
        console.log(JSON.stringify(await judge(line)));
    }
})();
