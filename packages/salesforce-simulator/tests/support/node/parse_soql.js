// Whether an independent parser takes each of the queries given on stdin: null, or why not.
'use strict';

const { parseQuery } = require('@jetstreamapp/soql-parser-js');

function problem(query) {
  try {
    parseQuery(query);
    return null;
  } catch (error) {
    return String(error.message).split('\n')[0];
  }
}

const queries = JSON.parse(require('fs').readFileSync(0, 'utf8'));
process.stdout.write(JSON.stringify(queries.map(problem)));
