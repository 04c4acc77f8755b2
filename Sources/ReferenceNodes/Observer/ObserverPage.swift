/// The observer's page: one text without anything from elsewhere, that asks its node twice a second and draws what it is told.
///
/// What it shows has an age. A node that does not answer, or a tree that nobody keeps, is seen by that.
enum ObserverPage {
    static let html = """
        <!DOCTYPE html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <title>Observer</title>
        <style>
        \(Self.style)
        </style>
        </head>
        <body>
        <header>
          <h1>Processes of <b id="node">…</b></h1>
          <p id="age" class="old" role="status">asking …</p>
        </header>
        <section><h2>Nodes</h2><div id="nodes"></div></section>
        <main>
          <section><h2>Supervision tree <small id="count"></small></h2><ul id="tree"></ul></section>
          <aside><h2>What happened</h2><ol id="events"><li class="quiet">nothing since this page was opened</li></ol></aside>
        </main>
        <footer>
          For programs: <a href="/observer/tree">tree</a> <a href="/observer/tree.txt">tree as text</a>
          <a href="/observer/processes">processes</a> <a href="/observer/nodes">nodes</a>
        </footer>
        <script>
        \(Self.script)
        </script>
        </body>
        </html>

        """

    private static let style = """
        :root { color-scheme: light dark; --ink: light-dark(#1d2430, #e4e8ee); --dim: light-dark(#677285, #8d98a8);
          --line: light-dark(#cbd3de, #3a4554); --card: light-dark(#fff, #1f2732); --page: light-dark(#f3f5f8, #141a22);
          --good: light-dark(#1a7f4b, #4cc38a); --bad: light-dark(#c1352b, #ff7b72); --warn: light-dark(#a65b00, #f0b35a);
          --mark: light-dark(#2563c9, #7db0ff); }
        * { box-sizing: border-box; margin: 0; }
        body { font: 15px/1.45 system-ui, sans-serif; color: var(--ink); background: var(--page); padding: 1.6rem 2rem; max-width: 78rem;
          margin: auto; display: grid; gap: 1.3rem; }
        header { display: flex; align-items: baseline; justify-content: space-between; gap: 1rem; flex-wrap: wrap; }
        h1 { font-size: 1.45rem; font-weight: 500; } h1 b { font-weight: 700; }
        h2 { font-size: .8rem; font-weight: 600; letter-spacing: .06em; text-transform: uppercase; color: var(--dim); margin-bottom: .6rem; }
        h2 small { font-weight: 400; text-transform: none; letter-spacing: 0; }
        #age { font-variant-numeric: tabular-nums; } #age::before { content: '●'; margin-right: .45em; }
        #age.live { color: var(--good); } #age.old { color: var(--bad); font-weight: 600; }
        body:has(#age.old) main { opacity: .55; }
        #nodes { display: flex; gap: .6rem; flex-wrap: wrap; }
        .node { padding: .3rem .9rem; border-radius: 2rem; border: 1.5px solid var(--good); background: var(--card); }
        .node i { font-style: normal; color: var(--good); margin-left: .35em; }
        .node.unknown { border: 1.5px dashed var(--dim); color: var(--dim); } .node.unknown i { color: var(--dim); }
        main { display: grid; grid-template-columns: minmax(0, 1fr) 20rem; gap: 2rem; align-items: start; }
        @media (max-width: 60rem) { main { grid-template-columns: minmax(0, 1fr); } }
        #tree, #tree ul { list-style: none; padding: 0; } #tree ul { margin-left: 1.1rem; }
        #tree li li { position: relative; padding-left: 1.5rem; }
        #tree li li::before { content: ''; position: absolute; left: 0; top: 0; width: 1.5rem; height: 1.5rem;
          border: solid var(--line); border-width: 0 0 1.5px 1.5px; border-bottom-left-radius: .5rem; }
        #tree li li:not(:last-child)::after { content: ''; position: absolute; left: 0; top: 0; bottom: 0; border-left: 1.5px solid var(--line); }
        .process { display: flex; align-items: center; gap: .7rem; background: var(--card); border: 1px solid var(--line); border-radius: .55rem;
          padding: .38rem .8rem; margin: .2rem 0; min-height: 2.6rem; }
        .process .dot { width: .62rem; height: .62rem; border-radius: 50%; background: var(--good); flex: none; }
        .process.silent .dot { background: var(--bad); } .process.silent { border-color: var(--bad); }
        .process .pid { font: 12px ui-monospace, monospace; color: var(--dim); white-space: nowrap; }
        .process .restarts { color: var(--warn); font-size: .85rem; }
        .process .state { color: var(--bad); font-size: .85rem; font-weight: 600; }
        .process .mail { margin-left: auto; display: flex; align-items: center; gap: .5rem; font-size: .82rem; color: var(--dim);
          font-variant-numeric: tabular-nums; white-space: nowrap; }
        .bar { width: 4.5rem; height: .5rem; border-radius: .25rem; background: var(--line); overflow: hidden; }
        .bar span { display: block; height: 100%; width: 0; background: var(--mark); transition: width .4s; }
        .process.full .bar span { background: var(--bad); }
        button { font: 13px system-ui, sans-serif; color: var(--ink); background: none; border: 1px solid var(--line); border-radius: .35rem;
          padding: .12rem .55rem; cursor: pointer; } button:hover { border-color: var(--mark); color: var(--mark); }
        button.kill:hover { border-color: var(--bad); color: var(--bad); }
        @keyframes born { from { background: color-mix(in srgb, var(--good) 45%, var(--card)); transform: translateX(-6px); } }
        .born { animation: born 1.6s ease-out; }
        aside ol { list-style: none; padding: 0; font-size: .9rem; max-height: 30rem; overflow: auto; }
        aside li { padding: .3rem 0; border-bottom: 1px solid var(--line); display: flex; align-items: baseline; gap: .6rem; }
        aside time { color: var(--dim); font-variant-numeric: tabular-nums; }
        aside .pid { color: var(--dim); font: 12px ui-monospace, monospace; margin-left: auto; }
        aside .ended { color: var(--bad); } aside .started { color: var(--good); } aside .quiet { color: var(--dim); }
        footer { color: var(--dim); font-size: .85rem; } footer a { color: var(--mark); margin-left: .6rem; }
        """

    private static let script = #"""
        const at = id => document.getElementById(id);
        const make = (tag, name, text) => Object.assign(document.createElement(tag), {className: name ?? '', textContent: text ?? ''});
        // A life has a long number, which is the same for all processes of a page.
        const short = pid => pid.replace(/\.\d{5,}\./, '.…');
        const pause = ms => new Promise(done => setTimeout(done, ms));
        const rows = new Map();        // pid -> {card, and its parts}
        const ranks = new Map();       // name -> its place among others, whoever bears it
        const rank = process => ranks.get(process.name) ?? ranks.set(process.name, ranks.size).get(process.name);
        let known = null;              // pid -> name of the last picture
        let health = new Map();        // pid -> what is known of its mailbox
        let seenAt = null, drawn = '';

        const ask = async path => {
          const answer = await fetch(path, {signal: AbortSignal.timeout(1500), cache: 'no-store'});
          if (!answer.ok) throw new Error(await answer.text());
          return answer.json();
        };
        const order = (verb, pid) => fetch(`/observer/${verb}/${encodeURIComponent(pid)}`, {method: 'POST'});

        function row(process) {
          if (rows.has(process.pid)) return rows.get(process.pid);
          const card = make('div', 'process'), bar = make('span');
          card.dataset.pid = process.pid;
          card.dataset.name = process.name;
          const parts = {card, bar, restarts: make('span', 'restarts'), state: make('span', 'state'), mail: make('span')};
          const box = make('div', 'bar'), mail = make('div', 'mail');
          box.append(bar);
          mail.append(parts.mail, box);
          parts.hold = make('button', 'hold', 'suspend');
          parts.hold.onclick = () => order(parts.hold.textContent, process.pid);
          const kill = make('button', 'kill', 'kill');
          kill.onclick = () => order('kill', process.pid);
          const pid = make('span', 'pid', short(process.pid));
          pid.title = process.pid;
          card.append(make('span', 'dot'), make('b', 'name', process.name), pid,
            parts.restarts, parts.state, mail, parts.hold, kill);
          if (known) card.classList.add('born');
          rows.set(process.pid, parts);
          return parts;
        }

        function branch(process) {
          const item = make('li');
          item.append(row(process).card);
          if (process.children.length) {
            const list = make('ul');
            list.append(...process.children.map(branch));
            item.append(list);
          }
          return item;
        }

        function update(process) {
          const parts = rows.get(process.pid), state = health.get(process.pid);
          parts.restarts.textContent = process.restarts ? `↻ ${process.restarts}` : '';
          parts.restarts.title = process.restarts ? `restarted ${process.restarts} times` : '';
          if (state) {
            parts.card.classList.toggle('silent', !state.answers);
            parts.card.classList.toggle('full', state.mailbox > 10);
            parts.state.textContent = state.suspended ? 'suspended' : state.answers ? '' : 'does not answer';
            parts.mail.textContent = `${state.mailbox} in mailbox` + (state.open_calls > state.mailbox ? `, ${state.open_calls} calls open` : '');
            parts.bar.style.width = `${Math.min(100, state.mailbox ? 12 * Math.log2(state.mailbox + 1) : 0)}%`;
            parts.hold.textContent = state.suspended ? 'resume' : 'suspend';
          }
          process.children.forEach(update);
        }

        function tell(kind, name, pid) {
          at('events').querySelector('.quiet')?.remove();
          const line = make('li'), text = make('span', kind, `${name} ${kind}`);
          text.title = pid;
          line.append(make('time', '', new Date().toLocaleTimeString('en-GB')), text, make('span', 'pid', short(pid)));
          at('events').prepend(line);
          while (at('events').children.length > 60) at('events').lastChild.remove();
        }

        function draw(picture) {
          const now = new Map();
          const visit = process => {
            now.set(process.pid, process.name);
            process.children.forEach(rank);
            process.children.sort((left, right) => rank(left) - rank(right));
            process.children.forEach(visit);
          };
          picture.tree.forEach(visit);
          const shape = JSON.stringify(picture.tree, ['pid', 'children']);
          if (shape !== drawn) {
            rows.forEach(parts => parts.card.classList.remove('born'));
            at('tree').replaceChildren(...picture.tree.map(branch));
            for (const pid of rows.keys()) if (!now.has(pid)) rows.delete(pid);
            drawn = shape;
          }
          picture.tree.forEach(update);
          if (known) {
            for (const [pid, name] of known) if (!now.has(pid)) tell('ended', name, pid);
            for (const [pid, name] of now) if (!known.has(pid)) tell('started', name, pid);
          }
          known = now;
          at('node').textContent = picture.node;
          document.title = `${picture.node}: processes`;
          at('count').textContent = `${now.size} processes`;
          at('nodes').replaceChildren(...Object.entries(picture.nodes).map(([name, state]) => {
            const node = make('span', `node ${state}`, name);
            node.append(make('i', '', state));
            return node;
          }));
        }

        function showAge() {
          const seconds = seenAt === null ? Infinity : (Date.now() - seenAt) / 1000;
          at('age').className = seconds < 2 ? 'live' : 'old';
          at('age').textContent = seconds < 2 ? 'live' : seenAt === null ? 'no answer yet'
            : `no answer for ${Math.round(seconds)} s: this is how it was`;
        }

        // Each question has its own pace: whoever asks processes has to wait for those that do not answer.
        async function repeat(step) {
          for (;;) {
            try { await step(); } catch { }
            showAge();
            await pause(500);
          }
        }
        repeat(async () => { const picture = await ask('/observer/tree'); seenAt = Date.now(); draw(picture); });
        repeat(async () => {
          const list = await ask('/observer/processes');
          health = new Map(list.processes.map(process => [process.pid, process]));
        });
        """#
}
