// The Java client of the Confluent registry, as Flink ships it: registering, looking up, checking, reading by id.
// Arguments: URL, topic.
import java.util.List;
import org.apache.flink.avro.registry.confluent.shaded.io.confluent.kafka.schemaregistry.avro.AvroSchema;
import org.apache.flink.avro.registry.confluent.shaded.io.confluent.kafka.schemaregistry.client.CachedSchemaRegistryClient;
import org.apache.flink.avro.registry.confluent.shaded.io.confluent.kafka.schemaregistry.client.rest.exceptions.RestClientException;

public class AvroClient {
    private static final String FIRST = "{\"type\":\"record\",\"name\":\"E\",\"fields\":[%s]}"
        .formatted("{\"name\":\"model\",\"type\":\"string\"}");
    private static final String NEXT = FIRST.replace("]", ",{\"name\":\"n\",\"type\":\"int\",\"default\":0}]");
    private static final String OTHER = FIRST.replace("string", "int");

    public static void main(String[] arguments) throws Exception {
        var subject = arguments[1] + "-value";
        // Each client has a memory of its own: the second one asks the registry.
        var writer = new CachedSchemaRegistryClient(arguments[0], 10);
        var reader = new CachedSchemaRegistryClient(arguments[0], 10);
        var id = writer.register(subject, new AvroSchema(FIRST));
        expect("id of a lookup", reader.getId(subject, new AvroSchema(FIRST)), id);
        expect("version", reader.getVersion(subject, new AvroSchema(FIRST)), 1);
        expect("text by id", reader.getSchemaById(id).canonicalString(), FIRST);
        expect("latest", reader.getLatestSchemaMetadata(subject).getId(), id);
        expect("may follow", reader.testCompatibility(subject, new AvroSchema(NEXT)), true);
        expect("may not follow", reader.testCompatibility(subject, new AvroSchema(OTHER)), false);
        expect("refused", refusal(() -> writer.register(subject, new AvroSchema(OTHER))), 40901);
        writer.register(subject, new AvroSchema(NEXT), true);
        expect("versions", reader.getAllVersions(subject), List.of(1, 2));
        expect("not found", refusal(() -> reader.getLatestSchemaMetadata(subject + "-none")), 40401);
    }

    private interface Call {
        Object run() throws Exception;
    }

    private static int refusal(Call call) throws Exception {
        try {
            call.run();
        } catch (RestClientException refused) {
            return refused.getErrorCode();
        }
        return 0;
    }

    private static void expect(String what, Object found, Object expected) {
        if (!expected.equals(found)) {
            throw new AssertionError("%s: %s, not %s".formatted(what, found, expected));
        }
    }
}
