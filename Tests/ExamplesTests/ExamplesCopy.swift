import Foundation

/// Copies of some examples in a folder that every user may read.
final class ExamplesCopy {
    private let folder: URL

    init(_ names: String...) throws {
        self.folder = FileManager.default.temporaryDirectory
            .appending(path: "chaos-examples-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: self.folder, withIntermediateDirectories: true)
        try FileManager.default.setAttributes(
            [.posixPermissions: 0o755], ofItemAtPath: self.folder.path)
        for name in names {
            try FileManager.default.copyItem(
                at: URL(fileURLWithPath: ExampleRun.example(name)),
                to: self.folder.appending(path: name))
        }
    }

    deinit { try? FileManager.default.removeItem(at: self.folder) }

    func path(_ path: String) -> String { self.folder.appending(path: path).path }
}
