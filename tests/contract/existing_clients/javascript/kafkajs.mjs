// The registry client of KafkaJS: registering, encoding and decoding in the three formats.
// Arguments: where the modules are, URL, topic.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';

const [modules, url, topic] = process.argv.slice(2);
const require = createRequire(`${modules}/`);
const { COMPATIBILITY, SchemaRegistry, SchemaType } = require('@kafkajs/confluent-schema-registry');

const AVRO = { type: 'record', name: 'Event', namespace: topic, fields: [{ name: 'model', type: 'string' }] };
const VALUE = { model: 'm-1' };
const client = () => new SchemaRegistry({ host: url });

async function avro() {
  const { id } = await client().register(AVRO);
  const data = await client().encode(id, VALUE);
  assert.deepEqual({ ...await client().decode(data) }, VALUE);
  assert.equal(await client().getRegistryId(`${topic}.Event`, 1), id);
  assert.equal(await client().getLatestSchemaId(`${topic}.Event`), id);
  assert.equal(await client().getRegistryIdBySchema(`${topic}.Event`, AVRO), id);
  assert.equal((await client().register(AVRO)).id, id);
}

async function compatibility() {
  const subject = `${topic}-compatibility`;
  await client().register(AVRO, { subject, compatibility: COMPATIBILITY.FULL });
  const changed = { ...AVRO, fields: [{ name: 'model', type: 'int' }] };
  await assert.rejects(() => client().register(changed, { subject, compatibility: COMPATIBILITY.FULL }), {
    status: 409, message: /incompatible/,
  });
  await assert.rejects(() => client().register(AVRO, { subject, compatibility: COMPATIBILITY.NONE }), {
    name: 'ConfluentSchemaRegistryCompatibilityError',
  });
  await assert.rejects(() => client().getLatestSchemaId(`${topic}-nobody`), {
    status: 404, message: /not found/,
  });
}

async function jsonSchema() {
  const schema = JSON.stringify({ title: 'Event', type: 'object', properties: { model: { type: 'string' } } });
  const { id } = await client().register({ type: SchemaType.JSON, schema }, { subject: `${topic}.json-value` });
  const data = await client().encode(id, VALUE);
  assert.deepEqual(await client().decode(data), VALUE);
  await assert.rejects(() => client().encode(id, { model: 1 }));
}

async function protobuf() {
  const schema = 'syntax = "proto3";\npackage app;\n\nmessage Event {\n  string model = 1;\n}\n';
  const { id } = await client().register({ type: SchemaType.PROTOBUF, schema }, { subject: `${topic}.protobuf-value` });
  const data = await client().encode(id, VALUE);
  assert.deepEqual({ ...await client().decode(data) }, VALUE);
}

async function references() {
  await client().register({ type: SchemaType.AVRO, schema: JSON.stringify(AVRO) }, { subject: `${topic}-event` });
  const schema = JSON.stringify({ type: 'record', name: 'Batch', fields: [{ name: 'event', type: `${topic}.Event` }] });
  const { id } = await client().register({
    type: SchemaType.AVRO, schema, references: [{ name: `${topic}.Event`, subject: `${topic}-event`, version: 1 }],
  }, { subject: `${topic}.batch-value` });
  const data = await client().encode(id, { event: VALUE });
  assert.equal((await client().decode(data)).event.model, 'm-1');
}

async function nestedInReferences() {
  const event = { ...AVRO, name: 'Call', fields: [{ name: 'event', type: AVRO }] };
  await client().register({ type: SchemaType.AVRO, schema: JSON.stringify(event) }, { subject: `${topic}-call` });
  const schema = JSON.stringify({
    type: 'record', name: 'Pair', namespace: topic,
    fields: [{ name: 'call', type: 'Call' }, { name: 'event', type: 'Event' }],
  });
  const { id } = await client().register({
    type: SchemaType.AVRO, schema, references: [{ name: `${topic}.Call`, subject: `${topic}-call`, version: 1 }],
  }, { subject: `${topic}.pair-value` });
  const data = await client().encode(id, { call: { event: VALUE }, event: VALUE });
  assert.equal((await client().decode(data)).event.model, 'm-1');
}

for (const step of [avro, compatibility, jsonSchema, protobuf, references, nestedInReferences]) {
  await step().catch((error) => {
    console.error(step.name, error);
    process.exit(1);
  });
}
