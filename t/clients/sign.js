// Senders, each with the package that its receivers use: one JSON line in, one
// out.  {"standard": secret, "id", "timestamp", "body", "with": "svix"} gives
// {"headers": {...}}, and so does {"service": "stripe", "secret", "timestamp",
// "body"}, for twilio with "url" and "params"; {"jwt": {"alg", "key": PEM or
// text, "header": {...}}, "claims": {...}} gives {"token": "..."}.

'use strict';

const crypto = require('crypto');
const readline = require('readline');
const { pathToFileURL } = require('url');

// NODE_PATH is for require() only
const load = (name) => import(pathToFileURL(require.resolve(name)));

// Node 18, which Debian 12 has, has it by this name only
globalThis.crypto ??= crypto.webcrypto;


async function standard(call) {
    const { Webhook: Judge } = await load(call.with || 'standardwebhooks');
    const at = new Date(call.timestamp * 1000);

    return { headers: {
        'webhook-id': call.id,
        'webhook-timestamp': String(call.timestamp),
        'webhook-signature':
            new Judge(call.standard).sign(call.id, at, call.body),
    } };
}


// Slack and Shopify have no package that signs: by their documents
const services = {
    stripe({ secret, timestamp, body }) {
        const Stripe = require('stripe');

        return { 'Stripe-Signature': new Stripe('sk_test').webhooks
            .generateTestHeaderString({ payload: body, secret, timestamp }) };
    },

    async github({ secret, body }) {
        const { Webhooks } = await load('@octokit/webhooks');

        return { 'X-Hub-Signature-256':
            await new Webhooks({ secret }).sign(body) };
    },

    async svix({ secret, id, timestamp, body }) {
        const { Webhook } = await load('svix');

        return {
            'svix-id': id,
            'svix-timestamp': String(timestamp),
            'svix-signature': new Webhook(secret)
                .sign(id, new Date(timestamp * 1000), body),
        };
    },

    slack({ secret, timestamp, body }) {
        const code = crypto.createHmac('sha256', secret)
            .update(`v0:${timestamp}:${body}`).digest('hex');

        return { 'X-Slack-Request-Timestamp': String(timestamp),
                 'X-Slack-Signature': `v0=${code}` };
    },

    shopify({ secret, body }) {
        return { 'X-Shopify-Hmac-SHA256':
            crypto.createHmac('sha256', secret).update(body).digest('base64') };
    },

    // a body that is no form is named by its digest in the URL
    twilio({ secret, url, params, body, algorithm }) {
        const twilio = require('twilio/lib/webhooks/webhooks');
        const hash = body && twilio.getExpectedBodyHash(body);
        const signed = body ? `${url}?bodySHA256=${hash}` : url;

        return { url: signed,
                 'X-Twilio-Signature': twilio.getExpectedTwilioSignature(
                     secret, signed, params || {}, algorithm) };
    },
};


async function service(call) {
    return { headers: await services[call.service](call) };
}


async function jwt(call) {
    const jose = await load('jose');
    const { alg, key, header } = call.jwt;
    const secret = alg === 'HS256' ? Buffer.from(key)
                                   : crypto.createPrivateKey(key);

    return { token: await new jose.SignJWT(call.claims)
        .setProtectedHeader({ alg, ...header }).sign(secret) };
}


(async () => {
    for await (const line of readline.createInterface({ input: process.stdin }))
    {
        const call = JSON.parse(line);
        const made = call.jwt ? await jwt(call)
            : call.service ? await service(call) : await standard(call);
        process.stdout.write(JSON.stringify(made) + '\n');
    }
})();
