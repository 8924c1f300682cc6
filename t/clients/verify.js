// The judges: reads {"secret","headers","body"} a line (the body's bytes as
// characters 0 to 255) and says for each what the npm packages make of it:
// {"standardwebhooks":"ok"|REASON,"svix":"ok"|REASON}.
'use strict';

const readline = require('readline');
const judges = {
    standardwebhooks: require('standardwebhooks').Webhook,
    svix: require('svix').Webhook,
};

function judge(Webhook, call) {
    try {
        const body = Buffer.from(call.body, 'latin1').toString('utf8');
        new Webhook(call.secret).verify(body, call.headers);
        return 'ok';
    } catch (error) {
        return error.message || String(error);
    }
}

readline.createInterface({ input: process.stdin }).on('line', (line) => {
    const call = JSON.parse(line);
    const verdict = {};

    for (const [name, Webhook] of Object.entries(judges)) {
        verdict[name] = judge(Webhook, call);
    }
    console.log(JSON.stringify(verdict));
});
