// The registry client of franz-go: registering, looking up, checking and reading by id in the three formats.
// Arguments: URL, topic.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"

	"github.com/twmb/franz-go/pkg/sr"
)

var versions = map[sr.SchemaType][2]string{ // the first version, and one that may not follow
	sr.TypeAvro: {
		`{"type":"record","name":"E","fields":[{"name":"model","type":"string"}]}`,
		`{"type":"record","name":"E","fields":[{"name":"model","type":"int"}]}`,
	},
	sr.TypeJSON: {
		`{"type":"object","properties":{"model":{"type":"string"}},"additionalProperties":false}`,
		`{"type":"object","properties":{"model":{"type":"integer"}},"additionalProperties":false}`,
	},
	sr.TypeProtobuf: {
		"syntax = \"proto3\";\n\nmessage E {\n  string model = 1;\n}\n",
		"syntax = \"proto3\";\n\nmessage E {\n  int32 model = 1;\n}\n",
	},
}

func main() {
	url, topic := os.Args[1], os.Args[2]
	ctx := context.Background()
	client := must(sr.NewClient(sr.URLs(url)))
	for format, texts := range versions {
		subject := fmt.Sprintf("%s.%s-value", topic, format)
		first, other := sr.Schema{Schema: texts[0], Type: format}, sr.Schema{Schema: texts[1], Type: format}
		created := must(client.CreateSchema(ctx, subject, first))
		found := must(client.LookupSchema(ctx, subject, first))
		expect(format, "id of a lookup", found.ID, created.ID)
		expect(format, "version", found.Version, 1)
		byID := must(client.SchemaByID(ctx, created.ID))
		expect(format, "text by id", byID.Schema, texts[0])
		expect(format, "type by id", byID.Type, format)
		expect(format, "may follow", must(client.CheckCompatibility(ctx, subject, -1, first)).Is, true)
		expect(format, "may not follow", must(client.CheckCompatibility(ctx, subject, -1, other)).Is, false)
		_, err := client.CreateSchema(ctx, subject, other)
		expect(format, "refused", refusal(err).StatusCode, 409)
		_, err = client.SchemaByVersion(ctx, subject+"-none", -1)
		expect(format, "not found", refusal(err).SchemaError(), sr.ErrSubjectNotFound)
	}
}

func refusal(err error) *sr.ResponseError {
	var refused *sr.ResponseError
	if !errors.As(err, &refused) {
		log.Fatalf("not an answer of the registry: %v", err)
	}
	return refused
}

func must[T any](value T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return value
}

func expect[T comparable](format sr.SchemaType, what string, found, expected T) {
	if found != expected {
		log.Fatalf("%s: %s: %v, not %v", format, what, found, expected)
	}
}
