import ArgumentParser

/// The commands that steer a live run, in the order in which help lists them.
let controlCommands: [any ParsableCommand.Type] = [
    PartitionCommand.self, HealCommand.self, IsolateCommand.self, HoldCommand.self,
    ReleaseCommand.self, SetCommand.self, ClearCommand.self, KillCommand.self, StopCommand.self,
    PauseCommand.self, ResumeCommand.self, RestartCommand.self, StatusCommand.self,
    WatchCommand.self, TopCommand.self, CaptureCommand.self, ServeCommand.self, ExecCommand.self,
    ShellCommand.self, EndCommand.self,
]
