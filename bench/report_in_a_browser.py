r"""Open the page of the demonstration in a real browser: light, dark, narrow, on paper.

Prints what axe-core finds and what the browser's console says, writes screenshots and a PDF, and
ends with status 1 if there is anything to find. Needs Node.js, and from npm axe-core and
puppeteer-core; Chromium is the system's own:

    npm install --prefix /tmp/node axe-core puppeteer-core
    python bench/report_in_a_browser.py /tmp/shots --chromium /usr/bin/chromium \
        --node-modules /tmp/node/node_modules

``--page`` opens a page that is there already, instead of making one.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

SCRIPT = r"""
const fs = require("fs");
const path = require("path");
const url = require("url");
const {page: file, shots, modules, chromium} = JSON.parse(process.argv[1]);
const puppeteer = require(path.join(modules, "puppeteer-core"));
const axe = fs.readFileSync(path.join(modules, "axe-core", "axe.min.js"), "utf8");
const views = [
  {name: "light", scheme: "light", width: 1280, height: 900},
  {name: "dark", scheme: "dark", width: 1280, height: 900},
  {name: "narrow", scheme: "light", width: 360, height: 740},
  {name: "narrow-dark", scheme: "dark", width: 360, height: 740},
  {name: "print", scheme: "light", width: 1000, height: 1200, media: "print"},
];

(async () => {
  const browser = await puppeteer.launch({
    executablePath: chromium,
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
      "--disable-background-networking", "--disable-component-update", "--disable-sync"],
  });
  const found = [];
  for (const view of views) {
    const tab = await browser.newPage();
    const told = [];
    const asked = [];
    tab.on("console", each => told.push(`${each.type()}: ${each.text()}`));
    tab.on("pageerror", each => told.push(`error: ${each.message}`));
    tab.on("request", each => { if (!each.url().startsWith("file:")) asked.push(each.url()); });
    await tab.setViewport({width: view.width, height: view.height});
    await tab.emulateMediaFeatures([{name: "prefers-color-scheme", value: view.scheme}]);
    if (view.media) await tab.emulateMediaType(view.media);
    await tab.goto(url.pathToFileURL(file).href, {waitUntil: "load"});
    const wide = await tab.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    await tab.screenshot({path: path.join(shots, `${view.name}.png`), fullPage: true});
    // What is folded away is looked at, too.
    await tab.evaluate(() => document.querySelectorAll("details").forEach(d => { d.open = true; }));
    await tab.screenshot({path: path.join(shots, `${view.name}-open.png`), fullPage: true});
    await tab.evaluate(axe);
    const result = await tab.evaluate(() => axe.run(document, {resultTypes: ["violations"]}));
    found.push({
      view: view.name, console: told, network: asked, wider_by: Math.max(0, wide),
      passes: result.passes.length,
      violations: result.violations.map(each => ({
        id: each.id, impact: each.impact, help: each.help,
        nodes: each.nodes.map(node => `${node.target.join(" ")}: ${node.failureSummary}`),
      })),
      unsure: result.incomplete.map(
        each => `${each.id} (${each.nodes.map(node => node.target.join(" ")).join(", ")})`),
    });
    if (view.media) await tab.pdf({path: path.join(shots, "page.pdf"), format: "A4"});
    await tab.close();
  }
  await browser.close();
  console.log(JSON.stringify({found}));
})().catch(error => { console.error(error); process.exit(2); });
"""


def make_page(folder: Path, weeks: int, people: int) -> Path:
    """Run the demonstration, and return its page."""
    command = [sys.executable, "-m", "crmkit", "demo", "--out", str(folder)]
    command += ["--weeks", str(weeks), "--people", str(people)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return folder / "report.html"


def look(page: Path, options: argparse.Namespace) -> int:
    """Open the page in each way, print what was found, and return how much that is."""
    asked = {
        "page": str(page.resolve()),
        "shots": str(options.shots.resolve()),
        "modules": str(options.node_modules.resolve()),
        "chromium": options.chromium,
    }
    command = [options.node, "-e", SCRIPT, json.dumps(asked)]
    done = subprocess.run(command, check=False, stdout=subprocess.PIPE, env=os.environ)
    if done.returncode:
        return done.returncode
    faults = 0
    for view in json.loads(done.stdout)["found"]:
        bad = [*view["console"], *view["network"], *view["violations"]]
        bad += [f"{view['wider_by']} pixels wider than the window"] * bool(view["wider_by"])
        faults += len(bad)
        print(f"{view['view']}: {view['passes']} rules pass, {len(bad)} faults", end="")
        print(f"; to be looked at: {', '.join(view['unsure'])}" if view["unsure"] else "")
        for each in bad:
            if isinstance(each, str):
                print(f"  {each}")
                continue
            print(f"  {each['id']} ({each['impact']}): {each['help']}")
            for node in each["nodes"][:5]:
                print(f"    {node}")
    return faults


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("shots", type=Path, help="the folder for the screenshots")
    parser.add_argument("--chromium", default="/usr/bin/chromium", help="(%(default)s)")
    parser.add_argument("--node", default="node", help="(%(default)s)")
    parser.add_argument("--node-modules", type=Path, default=Path("node_modules"))
    parser.add_argument("--page", type=Path, help="a page that is there already")
    parser.add_argument("--weeks", type=int, default=52)
    parser.add_argument("--people", type=int, default=500)
    options = parser.parse_args()
    options.shots.mkdir(parents=True, exist_ok=True)
    if options.page:
        return min(look(options.page, options), 1)
    with tempfile.TemporaryDirectory() as folder:
        return min(look(make_page(Path(folder), options.weeks, options.people), options), 1)


if __name__ == "__main__":
    sys.exit(main())
