// Confluent's client for Node.js: the registry's interface, serialisers of the three formats, and rules.
// Arguments: where the modules are, URL, topic.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';

const [modules, url, topic] = process.argv.slice(2);
const require = createRequire(`${modules}/`);
const registry = require('@confluentinc/schemaregistry');
const { createFileRegistry, createMutableRegistry, create, fromBinary, toBinary } = require('@bufbuild/protobuf');
const { FileDescriptorProtoSchema } = require('@bufbuild/protobuf/wkt');

const { SerdeType } = registry;
const AVRO = JSON.stringify({
  type: 'record', name: 'Event', namespace: 'app', fields: [{ name: 'model', type: 'string' }],
});
const CHANGED = AVRO.replace('string', 'int');
const JSON_SCHEMA = JSON.stringify({ title: 'Event', type: 'object', properties: { model: { type: 'string' } } });
const VALUE = { model: 'm-1' };
const client = () => new registry.SchemaRegistryClient({ baseURLs: [url], maxRetries: 0 });

async function refused(call, status, code) {
  await assert.rejects(call, (error) => {
    assert.deepEqual([error.status, error.errorCode], [status, code]);
    return true;
  });
}

async function administration() {
  const subject = `${topic}:administration`;
  const info = { schema: AVRO, schemaType: 'AVRO' };
  const one = client();
  const registered = await one.registerFullResponse(subject, info);
  const other = client();
  assert.equal((await other.getBySubjectAndId(subject, registered.id)).schema, AVRO);
  assert.equal((await other.getByGuid(registered.guid)).schema, AVRO);
  assert.equal(await other.getId(subject, info), registered.id);
  assert.equal(await other.getVersion(subject, info), 1);
  assert.equal((await other.getLatestSchemaMetadata(subject)).id, registered.id);
  assert.equal((await other.getSchemaMetadata(subject, 1)).version, 1);
  assert.deepEqual(await other.getAllVersions(subject), [1]);
  assert.ok((await other.getAllSubjects()).includes(subject));

  const changed = { schema: CHANGED, schemaType: 'AVRO' };
  assert.equal(await other.testSubjectCompatibility(subject, changed), false);
  assert.equal(await other.testCompatibility(subject, 1, info), true);
  await refused(() => other.register(subject, changed), 409, 40901);
  await refused(() => other.getCompatibility(subject), 404, 40408);
  assert.equal(await other.updateCompatibility(subject, 'NONE'), 'NONE');
  assert.equal(await other.getCompatibility(subject), 'NONE');
  await other.updateConfig(subject, { compatibility: 'FULL', compatibilityGroup: 'major' });
  const config = await client().getConfig(subject);
  assert.deepEqual([config.compatibilityLevel, config.compatibilityGroup], ['FULL', 'major']);
  assert.ok((await other.getDefaultConfig()).compatibilityLevel);

  assert.equal(await other.deleteSubjectVersion(subject, 1), 1);
  assert.deepEqual(await other.deleteSubject(subject, true), [1]);
  await refused(() => client().getLatestSchemaMetadata(subject), 404, 40401);
}

async function associations() {
  const subject = `${topic}-owned`;
  const one = client();
  await one.register(subject, { schema: AVRO, schemaType: 'AVRO' });
  await one.createAssociation({
    resourceName: `${topic}.associated`, resourceNamespace: 'js', resourceId: `${topic}-resource`, resourceType: 'topic',
    associations: [{ subject, associationType: 'value', lifecycle: 'WEAK' }],
  });
  const found = await client().getAssociationsByResourceName(`${topic}.associated`, 'js', 'topic', ['value'], null, 0, -1);
  assert.deepEqual(found.map((each) => each.subject), [subject]);
  const serializer = new registry.AvroSerializer(client(), SerdeType.VALUE, { useLatestVersion: true });
  const data = await serializer.serialize(`${topic}.associated`, VALUE);
  assert.equal(data.readInt32BE(1), (await client().getLatestSchemaMetadata(subject)).id);
  await one.deleteAssociations(`${topic}-resource`, 'topic', ['value'], false);
}

async function avro() {
  const subject = `${topic}.avro-value`;
  await client().register(subject, { schema: AVRO, schemaType: 'AVRO' });
  const serializer = new registry.AvroSerializer(client(), SerdeType.VALUE, { useLatestVersion: true });
  const data = await serializer.serialize(`${topic}.avro`, VALUE);
  const read = await new registry.AvroDeserializer(client(), SerdeType.VALUE, {}).deserialize(`${topic}.avro`, data);
  assert.deepEqual({ ...read }, VALUE);

  const automatic = new registry.AvroSerializer(client(), SerdeType.VALUE, { autoRegisterSchemas: true });
  await automatic.serialize(`${topic}.automatic`, VALUE);
  assert.deepEqual(await client().getAllVersions(`${topic}.automatic-value`), [1]);
}

async function headers() {
  const subject = `${topic}.headers-value`;
  const { guid } = await client().registerFullResponse(subject, { schema: AVRO, schemaType: 'AVRO' });
  const conf = { useLatestVersion: true, schemaIdSerializer: registry.HeaderSchemaIdSerializer };
  const sent = {};
  const data = await new registry.AvroSerializer(client(), SerdeType.VALUE, conf)
    .serialize(`${topic}.headers`, VALUE, sent);
  assert.equal(sent.__value_schema_id.subarray(1).toString('hex'), guid.replaceAll('-', ''));
  const read = await new registry.AvroDeserializer(client(), SerdeType.VALUE, {})
    .deserialize(`${topic}.headers`, data, sent);
  assert.deepEqual({ ...read }, VALUE);
}

async function references() {
  await client().register(`${topic}-event`, { schema: AVRO, schemaType: 'AVRO' });
  const batch = { type: 'record', name: 'Batch', fields: [{ name: 'event', type: 'app.Event' }] };
  await client().register(`${topic}.references-value`, {
    schema: JSON.stringify(batch), schemaType: 'AVRO',
    references: [{ name: 'app.Event', subject: `${topic}-event`, version: 1 }],
  });
  const serializer = new registry.AvroSerializer(client(), SerdeType.VALUE, { useLatestVersion: true });
  const data = await serializer.serialize(`${topic}.references`, { event: VALUE });
  const read = await new registry.AvroDeserializer(client(), SerdeType.VALUE, {})
    .deserialize(`${topic}.references`, data);
  assert.equal(read.event.model, 'm-1');
}

// Types that are nested in a reference, and in a reference of a reference, are used by their names.
async function nestedInReferences() {
  const model = { type: 'record', name: 'Model', fields: [{ name: 'id', type: 'string' }] };
  const kind = { type: 'enum', name: 'Kind', symbols: ['CHAT', 'EMBEDDING'] };
  const hash = { type: 'fixed', name: 'Hash', size: 2 };
  const record = (name, ...fields) => JSON.stringify({
    type: 'record', name, namespace: 'nested', fields: fields.map(([field, type]) => ({ name: field, type })),
  });
  const register = async (subject, schema, ...references) => client().register(`${topic}-${subject}`, {
    schema, schemaType: 'AVRO',
    references: references.map(([name, of]) => ({ name, subject: `${topic}-${of}`, version: 1 })),
  });
  await register('call', record('Call', ['model', model], ['kind', kind], ['hash', hash]));
  await register('trace', record('Trace', ['call', 'Call'], ['model', 'Model']), ['nested.Call', 'call']);
  // The client reads references in their order.
  const references = [['nested.Call', 'call'], ['nested.Trace', 'trace']];
  const text = record('Event', ['trace', 'Trace'], ['model', 'Model'], ['kind', ['null', 'Kind']], ['hash', 'Hash']);
  const id = await register('nested-value', text, ...references);
  assert.equal(await register('nested-value', text, ...references), id);
  const found = await client().getLatestSchemaMetadata(`${topic}-nested-value`);
  assert.equal(found.schema, text);
  assert.equal(await client().getId(`${topic}-nested-value`, found), id);

  const conf = { useLatestVersion: true };
  const value = { id: 'm-1' };
  const call = { model: value, kind: 'CHAT', hash: Buffer.from('ab') };
  const event = { trace: { call, model: value }, model: value, kind: 'EMBEDDING', hash: Buffer.from('cd') };
  const data = await new registry.AvroSerializer(client(), SerdeType.VALUE, {
    ...conf, subjectNameStrategy: () => `${topic}-nested-value`,
  }).serialize(`${topic}-nested`, event);
  const read = await new registry.AvroDeserializer(client(), SerdeType.VALUE, {}).deserialize(`${topic}-nested`, data);
  assert.equal(read.trace.model.id, 'm-1');
}

async function jsonSchema() {
  const subject = `${topic}.json-value`;
  await client().register(subject, { schema: JSON_SCHEMA, schemaType: 'JSON' });
  const conf = { useLatestVersion: true, validate: true };
  const serializer = new registry.JsonSerializer(client(), SerdeType.VALUE, conf);
  const data = await serializer.serialize(`${topic}.json`, VALUE);
  const read = await new registry.JsonDeserializer(client(), SerdeType.VALUE, {}).deserialize(`${topic}.json`, data);
  assert.deepEqual(read, VALUE);
  await assert.rejects(() => serializer.serialize(`${topic}.json`, { model: 1 }));
}

async function protobuf() {
  const file = create(FileDescriptorProtoSchema, {
    name: 'app/js_event.proto', package: 'app', syntax: 'proto3',
    messageType: [{ name: 'Event', field: [{ name: 'model', jsonName: 'model', number: 1, type: 9, label: 1 }] }],
  });
  const message = createFileRegistry(file, () => undefined).getMessage('app.Event');
  const conf = { autoRegisterSchemas: true, registry: createMutableRegistry(message) };
  const data = await new registry.ProtobufSerializer(client(), SerdeType.VALUE, conf)
    .serialize(`${topic}.protobuf`, create(message, VALUE));
  const read = await new registry.ProtobufDeserializer(client(), SerdeType.VALUE, {})
    .deserialize(`${topic}.protobuf`, data);
  assert.equal(fromBinary(message, toBinary(message, create(message, { model: read.model }))).model, 'm-1');
  assert.equal((await client().getLatestSchemaMetadata(`${topic}.protobuf-value`)).schemaType, 'PROTOBUF');
}

async function rules() {
  const subject = `${topic}.rules-value`;
  const rule = {
    name: 'mask', kind: 'TRANSFORM', mode: 'WRITE', type: 'CEL_FIELD', tags: ['PII'], expr: "value + '-masked'",
  };
  const check = { name: 'check', kind: 'CONDITION', mode: 'WRITE', type: 'CEL', expr: "message.model != 'forbidden'" };
  await client().register(subject, {
    schema: AVRO, schemaType: 'AVRO',
    metadata: { tags: { '**.model': ['PII'] } },
    ruleSet: { domainRules: [check, rule] },
  });
  const executors = new registry.RuleRegistry();
  executors.registerExecutor(new registry.CelExecutor());
  executors.registerExecutor(new registry.CelFieldExecutor());
  const serializer = new registry.AvroSerializer(client(), SerdeType.VALUE, { useLatestVersion: true }, executors);
  const data = await serializer.serialize(`${topic}.rules`, { ...VALUE });
  const read = await new registry.AvroDeserializer(client(), SerdeType.VALUE, {}).deserialize(`${topic}.rules`, data);
  assert.equal(read.model, 'm-1-masked');
  await assert.rejects(() => serializer.serialize(`${topic}.rules`, { model: 'forbidden' }));
}

async function migrations() {
  const subject = `${topic}.migrations-value`;
  await client().updateConfig(subject, { compatibilityGroup: 'major' });
  await client().register(subject, {
    schema: AVRO, schemaType: 'AVRO', metadata: { properties: { major: '1' } },
  });
  await client().register(subject, {
    schema: AVRO.replace('model', 'name'), schemaType: 'AVRO', metadata: { properties: { major: '2' } },
    ruleSet: { migrationRules: [
      { name: 'up', kind: 'TRANSFORM', mode: 'UPGRADE', type: 'JSONATA', expr: "{'name': model}" },
      { name: 'down', kind: 'TRANSFORM', mode: 'DOWNGRADE', type: 'JSONATA', expr: "{'model': name}" },
    ] },
  });
  const executors = new registry.RuleRegistry();
  executors.registerExecutor(new registry.JsonataExecutor());
  const [first, second] = ['1', '2'].map((major) => ({ useLatestWithMetadata: { major } }));
  for (const [from, to, written, expected] of [[first, second, VALUE, { name: 'm-1' }], [second, first, { name: 'm-1' }, VALUE]]) {
    const data = await new registry.AvroSerializer(client(), SerdeType.VALUE, from, executors)
      .serialize(`${topic}.migrations`, written);
    const read = await new registry.AvroDeserializer(client(), SerdeType.VALUE, to, executors)
      .deserialize(`${topic}.migrations`, data);
    assert.deepEqual({ ...read }, expected);
  }
}

for (const step of [
  administration, associations, avro, headers, references, nestedInReferences, jsonSchema, protobuf, rules, migrations,
]) {
  await step().catch((error) => {
    console.error(step.name, error);
    process.exit(1);
  });
}
