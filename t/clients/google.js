// A token request judged by google-auth-library: argv: its node_modules, the
// service account's file, the public key's.  Reads {"body","headers"} of our
// request, and writes what both ask for: {"ours","theirs"}, each with "method",
// "type", "form" but for the assertion, and its "header" and "claims".
'use strict';

const crypto = require('crypto');
const fs = require('fs');

const [modules, account, pub] = process.argv.slice(2);
const { JWT } = require(`${modules}/google-auth-library`);
const SCOPE = 'https://www.googleapis.com/auth/firebase.messaging';

const look = (request) => {
    const form = Object.fromEntries(new URLSearchParams(request.body));
    const [head, claims, signature] = form.assertion.split('.');
    const read = (part) => JSON.parse(Buffer.from(part, 'base64url'));

    delete form.assertion;

    return {
        type: request.headers['content-type'],
        form,
        header: read(head),
        claims: read(claims),
        verified: crypto.verify('sha256', `${head}.${claims}`,
            fs.readFileSync(pub), Buffer.from(signature, 'base64url')),
    };
};

(async () => {
    const key = JSON.parse(fs.readFileSync(account));
    const client = new JWT({
        email: key.client_email,
        key: key.private_key,
        keyId: key.private_key_id,
        scopes: [SCOPE],
    });
    let asked;

    client.transporter = {
        request: async (options) => {
            asked = {
                body: new URLSearchParams(options.data).toString(),
                headers: Object.fromEntries(
                    Object.entries(options.headers)
                        .map(([name, value]) => [name.toLowerCase(), value])),
            };

            return { data: { access_token: 'a', expires_in: 3600 } };
        },
    };

    await client.authorize();

    const ours = JSON.parse(fs.readFileSync(0));

    console.log(JSON.stringify({ ours: look(ours), theirs: look(asked) }));
})();
