import ChaosCheckers
import ChaosCore
import Testing

@Suite("Consistency models")
struct ConsistencyModelTests {
    @Test func knowsTheNamesThatPeopleUse() throws {
        for (alias, name) in ConsistencyModel.aliases {
            #expect(try ConsistencyModel(parsing: alias).name == name)
        }
        #expect(
            try ConsistencyModel.list(parsing: "serializable , PL-2").map(\.name) == [
                "serializable", "read-committed",
            ])
        #expect {
            _ = try ConsistencyModel(parsing: "serialisable")
        } throws: {
            "\($0)"
                == "there is no such consistency model, found 'serialisable'\nhint: did you mean 'serializable'?"
        }
    }

    @Test func everyWeakerModelIsListedBefore() {
        let names = ConsistencyModel.names
        #expect(names.first == "read-uncommitted" && names.last == "strict-serializable")
        #expect(Set(names).count == names.count)
    }
}
