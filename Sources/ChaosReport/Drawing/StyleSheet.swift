/// The colours and lines of reports and drawings.
enum StyleSheet {
    /// What drawings need, on a page and alone.
    static let drawing = """
        svg { font: 11px system-ui, sans-serif; }
        svg text { fill: currentColor; } svg .axis { stroke: var(--line); }
        svg .ok { fill: var(--good); } svg .fail { fill: var(--bad); }
        svg .info { fill: var(--unsure); } svg .band { fill: var(--bad); opacity: .1; }
        svg .bar { fill: var(--bad); opacity: .55; }
        svg .life { stroke: var(--line); } svg .down { stroke: var(--bad); stroke-width: 4; }
        svg .paused { stroke: var(--unsure); stroke-width: 4; }
        svg .starting { stroke: var(--faint); stroke-width: 4; }
        svg .log { fill: var(--faint); } svg .log.trouble { fill: var(--bad); }
        svg .message { stroke: var(--calm); fill: none; } svg .twice { stroke: var(--unsure); }
        svg .lost { stroke: var(--bad); } svg .never { stroke: var(--faint); stroke-dasharray: 3 3; }
        svg .when { fill: var(--faint); } svg .culprit { fill: var(--bad); font-weight: 700; }
        svg .open { opacity: .5; } svg .edge { stroke: var(--faint); fill: none; }
        svg .node { fill: none; stroke: currentColor; }
        """

    /// The colours, by day and by night.
    static let colours = """
        :root { color-scheme: light dark; --good: #1a7f37; --bad: #cf222e; --unsure: #9a6700;
          --calm: #0969da; --line: #8884; --faint: #777; }
        """
}
