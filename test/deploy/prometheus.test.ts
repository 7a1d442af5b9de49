/**
 * The alerts and the dashboard of deploy/, beside the metrics that a running realm and a guarded service
 * really export; and the tables of docs/metrics.md, which say what each means.
 */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CATALOGUE, type MetricRow } from "../../src/services/metrics/catalogue.js";
import { InProcess, type Running } from "../cli/in-process.js";
import { PROMTOOL, promtool } from "../support/promtool.js";

const at = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const textOf = (path: string) => readFileSync(at(path), "utf8");

const rules = textOf("deploy/prometheus/tessera.rules.yml");
const alerts = [...rules.matchAll(/- alert: (\w+)\n +expr: (.+)/g)].map(([, name, expr]) => ({
  name: name!,
  expr: expr!,
}));

interface Dashboard {
  readonly panels: readonly {
    readonly id: number;
    readonly type: string;
    readonly title: string;
    readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
    readonly targets?: readonly { readonly expr: string }[];
  }[];
  readonly templating: { readonly list: readonly { readonly name: string; readonly query: unknown }[] };
}
const dashboard = JSON.parse(textOf("deploy/grafana/tessera.json")) as Dashboard;

/** The names of metrics in a query, as they are written there. */
function namesIn(query: string): string[] {
  const bare = query.replace(/\{[^}]*\}/g, "").replace(/\b(?:by|without) *\([^)]*\)/g, "");
  return [...new Set(bare.match(/\b(?:tessera|process|nodejs)_\w+/g) ?? [])];
}

describe("the queries", () => {
  const shell = new InProcess();
  let running: Running;
  let page = "";
  /** Every name of a value on the page, and the labels that it has. */
  const exported = new Map<string, Set<string>>();
  beforeAll(async () => {
    await shell.run("realm create");
    await shell.run("kadmin addprinc --password-stdin alice", "apple");
    running = shell.start("serve --as-port 0 --tgs-port 0 --v-port 0 --metrics 0".split(" "));
    const { addresses, metrics } = JSON.parse(await running.firstLine);
    shell.env.TESSERA_KDC = `${addresses.as},${addresses.tgs}`;
    await shell.run("kinit --password-stdin alice", "apple");
    await shell.run(`call --address ${addresses.v} who-am-i`);
    page = await (await fetch(`http://${metrics}/metrics`)).text();
    for (const [, name, kind] of page.matchAll(/^# TYPE (\w+) (\w+)$/gm)) {
      const row = (CATALOGUE as Readonly<Record<string, MetricRow>>)[name!];
      const labels = new Set(row?.labels);
      if (kind === "histogram") {
        exported.set(`${name}_bucket`, new Set([...labels, "le"]));
        for (const end of ["sum", "count"]) exported.set(`${name}_${end}`, labels);
      } else exported.set(name!, labels);
    }
  });
  afterAll(async () => {
    running.end();
    await running.outcome;
    shell.remove();
  });

  it.skipIf(PROMTOOL === undefined)("go to a page whose names and sentences promtool takes", async () => {
    expect(page).toContain("# HELP tessera_exchanges_total ");
    expect(await promtool(["check", "metrics"], page)).toMatchObject({ exit: 0, stdout: "", stderr: "" });
  });

  const queries: [string, string][] = [
    ...alerts.map(({ name, expr }): [string, string] => [name, expr]),
    ...dashboard.panels.flatMap(({ title, targets = [] }) =>
      targets.map(({ expr }): [string, string] => [title, expr]),
    ),
  ];

  it("are many, and most name a metric", () => {
    expect(alerts.length).toBeGreaterThan(15);
    expect(queries.filter(([, query]) => namesIn(query).length > 0).length).toBe(queries.length - 1);
  });

  it.each(queries)("of %s: what they ask for is exported, with these labels: %s", (_, query) => {
    const names = namesIn(query);
    expect(names.filter((name) => !exported.has(name))).toEqual([]);
    const asked = [...query.matchAll(/(\w+) *(?:=|!=|=~|!~) *"/g)].map(([, label]) => label!);
    const by = [...query.matchAll(/by *\(([^)]*)\)/g)].flatMap(([, list]) => list!.split(/, */));
    const known = new Set(names.flatMap((name) => [...exported.get(name)!]));
    // Prometheus adds these itself.
    for (const label of ["instance", "job"]) known.add(label);
    expect([...asked, ...by].filter((label) => !known.has(label))).toEqual([]);
  });
});

describe("the dashboard", () => {
  it("shows every metric of the catalogue", () => {
    const shown = new Set(
      dashboard.panels.flatMap(({ targets = [] }) => targets.flatMap(({ expr }) => namesIn(expr))),
    );
    const names = Object.entries(CATALOGUE).map(([name, { kind }]) =>
      kind === "histogram" ? `${name}_bucket` : name,
    );
    expect(names.filter((name) => !shown.has(name))).toEqual([]);
  });

  it("has panels that lie beside each other, each with a number of its own", () => {
    const { panels } = dashboard;
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    for (const [index, { title, gridPos: a }] of panels.entries())
      for (const { gridPos: b } of panels.slice(index + 1)) {
        const isApart = a.x + a.w <= b.x || b.x + b.w <= a.x || a.y + a.h <= b.y || b.y + b.h <= a.y;
        expect([title, isApart]).toEqual([title, true]);
      }
  });
});

describe("docs/metrics.md", () => {
  const text = textOf("docs/metrics.md");

  it("has a row for each metric, as the catalogue has it", () => {
    const rows = text.split("\n").filter((line) => line.startsWith("| `tessera_"));
    expect(rows).toEqual(
      Object.entries(CATALOGUE as Readonly<Record<string, MetricRow>>).map(
        ([name, { kind, labels, help }]) => {
          const shown = labels.map((label) => `\`${label}\``).join(", ");
          return `| \`${name}\` | ${kind.replace("watched ", "")} | ${shown} | ${help} |`;
        },
      ),
    );
  });

  it("has a row for each alert", () => {
    const rows = [...text.matchAll(/^\| (Tessera\w+) \| .{40,} \|$/gm)].map(([, name]) => name);
    expect(rows).toEqual(alerts.map(({ name }) => name));
  });
});

describe.skipIf(PROMTOOL === undefined)("promtool", () => {
  it("takes the rules and the part of a configuration", async () => {
    const rulesRun = await promtool(["check", "rules", at("deploy/prometheus/tessera.rules.yml")]);
    expect(rulesRun).toMatchObject({
      exit: 0,
      stdout: expect.stringContaining(`${alerts.length} rules found`),
    });
    const config = await promtool(["check", "config", at("deploy/prometheus/scrape.yml")]);
    expect(config).toMatchObject({ exit: 0 });
  });

  it("sees each alert fire, and be quiet before", async () => {
    const tested = [...textOf("deploy/prometheus/tessera.test.yml").matchAll(/alertname: (\w+)/g)];
    expect(new Set(tested.map(([, name]) => name))).toEqual(new Set(alerts.map(({ name }) => name)));
    const ran = await promtool(["test", "rules", at("deploy/prometheus/tessera.test.yml")]);
    expect(ran).toMatchObject({ exit: 0 });
  });
});

it.skipIf(PROMTOOL !== undefined)("promtool is not installed: its tests are skipped", () => {});
