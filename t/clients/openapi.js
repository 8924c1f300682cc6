// Judges an OpenAPI document that comes on stdin: "ok", or what is wrong.

const { readFileSync } = require('fs');

(async () => {
    const { Validator } = await import(require.resolve(
        '@seriousme/openapi-schema-validator'));
    const validator = new Validator();
    const result = await validator.validate(
        JSON.parse(readFileSync(0, 'utf8')));

    if (!result.valid) {
        console.log(JSON.stringify(result.errors, null, 1));

    } else if (validator.version !== '3.1') {
        console.log(`version ${validator.version}`);

    } else {
        try {
            validator.resolveRefs();
            console.log('ok');
        } catch (error) {
            console.log(error.message);
        }
    }
})();
