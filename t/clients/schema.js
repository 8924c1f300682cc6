// What ajv says: on stdin lines of {"schema","data"}, both JSON texts; prints
// a line of true or false for each.

const Ajv = require('ajv/dist/2020');
const { createInterface } = require('readline');

const ajv = new Ajv({ strict: false, allErrors: true, logger: false });

createInterface({ input: process.stdin }).on('line', (line) => {
    const { schema, data } = JSON.parse(line);
    console.log(ajv.compile(JSON.parse(schema))(JSON.parse(data)));
});
