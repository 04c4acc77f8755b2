import ChaosCore
import NodeKit

// S36: names that mean one owner in the whole cluster, and a resource that only the owner may write to.
//
//     register{name, addr}     -> register_ok{token}    error 30: somebody else has it; error 11: cannot tell
//     unregister{name, token}  -> unregister_ok
//     whereis{name}            -> whereis_ok{addr, token}    error 20
//     names                    -> names_ok{names}
//     write{name, token}       -> write_ok              error 22: another owner has written
//
// The last node guards the resource, the others are the registry. A name is owned for a second, unless it is given
// back before; each owner's token is larger than all before it that anybody asked has seen.
//
// Between nodes: ask{name} -> asked{token, free}   grant{name, addr, token} -> granted, taken
//                drop{name, token}   held{owners}   store{name, token} -> store_ok

extension ReferenceSystem {
    static let registry = ReferenceSystem(
        name: "registry", summary: "global names, and what becomes of two owners",
        variants: [
            Variant("majority", "a majority lends the name: one owner, and a minority has none") {
                RegistryNode(.majority)
            },
            Variant(
                "resolver", "whoever can be reached agrees: each side has one, the newest stays"
            ) {
                RegistryNode(.reachable)
            },
            Variant("local-tables", "looks in its own table, and tells the others afterwards") {
                RegistryNode(.own)
            },
            Variant("unfenced", "the resolver without fencing: two owners write in turn") {
                RegistryNode(.reachable, isFenced: false)
            },
            Variant("unfenced-lease", "the majority without fencing: an owner that slept writes on")
            {
                RegistryNode(.majority, isFenced: false)
            },
        ])
}
