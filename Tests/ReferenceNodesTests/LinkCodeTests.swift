import ReferenceNodes
import Testing

@Suite("Codes of links")
struct LinkCodeTests {
    @Test(arguments: [
        ("https://elixiroutlaws.com", "NBncVA", "m9HS_w"),
        ("https://keathley.io", "3ioDAw", "FcghcA"),
        ("https://bgmarx.com", "9YII-Q", "Klv4Aw"),
        ("http://elixiroutlaws.com/", "gNAh8w", "zHenVA"),
        ("https://example.com/", "CdoaMQ", "d4Pp1w"),
    ])
    func aCodeIsTheEndOfAHash(_ url: String, md5: String, sha256: String) {
        #expect(LinkCode.md5.code(of: url) == md5)
        #expect(LinkCode.sha256.code(of: url) == sha256)
    }

    @Test(arguments: [
        (LinkCode.sha256, 54605, 69454, "6GKUHg"), (.sha256, 65598, 97874, "LaWTAA"),
        (.sha256, 50778, 127_237, "ck73aA"), (.sha256, 7269, 129_665, "NSM5Sg"),
        (.md5, 50961, 97484, "dS8oEg"), (.md5, 36653, 112_530, "5BDVeg"),
    ])
    func someURLsShareACode(_ hash: LinkCode, first: Int, second: Int, code: String) {
        let urls = [first, second].map { "https://example.com/\($0)" }
        #expect(urls.map { hash.code(of: $0) } == [code, code])
        // With a salt they part.
        #expect(hash.code(of: urls[0], salt: 1) != code)
        #expect(hash.code(of: urls[0], salt: 1) != hash.code(of: urls[1], salt: 1))
    }
}
