// The registry client of confluent-kafka-go: registering, looking up, checking and reading by id in the three formats.
// Arguments: URL, topic.
package main

import (
	"fmt"
	"log"
	"os"
	"strings"

	"github.com/confluentinc/confluent-kafka-go/v2/schemaregistry"
)

var versions = map[string][3]string{ // the first version, one that may follow, one that may not
	"AVRO": {
		`{"type":"record","name":"E","fields":[{"name":"model","type":"string"}]}`,
		`{"type":"record","name":"E","fields":[{"name":"model","type":"string"},{"name":"n","type":"int","default":0}]}`,
		`{"type":"record","name":"E","fields":[{"name":"model","type":"int"}]}`,
	},
	"JSON": {
		`{"type":"object","properties":{"model":{"type":"string"}},"additionalProperties":false}`,
		`{"type":"object","properties":{"model":{"type":"string"},"n":{"type":"integer"}},"additionalProperties":false}`,
		`{"type":"object","properties":{"model":{"type":"integer"}},"additionalProperties":false}`,
	},
	"PROTOBUF": {
		"syntax = \"proto3\";\n\nmessage E {\n  string model = 1;\n}\n",
		"syntax = \"proto3\";\n\nmessage E {\n  string model = 1;\n  int32 n = 2;\n}\n",
		"syntax = \"proto3\";\n\nmessage E {\n  int32 model = 1;\n}\n",
	},
}

func main() {
	url, topic := os.Args[1], os.Args[2]
	for format, texts := range versions {
		// Each client has a memory of its own: the second one asks the registry.
		writer, reader := connect(url), connect(url)
		subject := fmt.Sprintf("%s.%s-value", topic, strings.ToLower(format))
		schema := func(text string) schemaregistry.SchemaInfo {
			return schemaregistry.SchemaInfo{Schema: text, SchemaType: format}
		}
		id := must(writer.Register(subject, schema(texts[0]), false))
		expect(format, "id of a lookup", must(reader.GetID(subject, schema(texts[0]), false)), id)
		expect(format, "version", must(reader.GetVersion(subject, schema(texts[0]), false)), 1)
		expect(format, "text by id", must(reader.GetBySubjectAndID(subject, id)).Schema, texts[0])
		expect(format, "latest", must(reader.GetLatestSchemaMetadata(subject)).ID, id)
		expect(format, "may follow", must(reader.TestSubjectCompatibility(subject, schema(texts[1]))), true)
		expect(format, "may not follow", must(reader.TestCompatibility(subject, 1, schema(texts[2]))), false)
		_, err := writer.Register(subject, schema(texts[2]), false)
		expect(format, "refused", err != nil && strings.Contains(err.Error(), "incompatible"), true)
		second := must(writer.Register(subject, schema(texts[1]), true))
		expect(format, "another id", second != id, true)
		expect(format, "versions", fmt.Sprint(must(reader.GetAllVersions(subject))), "[1 2]")
		_, err = reader.GetLatestSchemaMetadata(subject + "-none")
		expect(format, "not found", err != nil && strings.Contains(err.Error(), "40401"), true)
	}
}

func connect(url string) schemaregistry.Client {
	return must(schemaregistry.NewClient(schemaregistry.NewConfig(url)))
}

func must[T any](value T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return value
}

func expect[T comparable](format, what string, found, expected T) {
	if found != expected {
		log.Fatalf("%s: %s: %v, not %v", format, what, found, expected)
	}
}
