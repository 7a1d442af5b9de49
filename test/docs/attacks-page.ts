/** docs/attacks.md, made from the table of attacks. */
import { type Attack, type Expected, TOPICS } from "../../src/lab/attacks/attack.js";
import { ATTACKS } from "../../src/lab/attacks/table.js";
import { SCENES, type Scene } from "../../src/lab/realm/scene.js";

const WIDTH = 110;
const SCENE_NAMES = Object.keys(SCENES) as Scene[];
const CHECKERS = { C: "client", AS: "AS", TGS: "TGS", V: "V", guard: "guard" } as const;

/** The page. */
export function attacksPage(): string {
  const parts = [
    "<!-- Made from src/lab/attacks by test/docs/attacks.test.ts: npx vitest run test/docs/attacks.test.ts " +
      "-u -->",
    "# Attacks, carried out",
    ...paragraphs(INTRODUCTION),
    "## What is stopped, where",
    ...paragraphs(ABOUT_THE_TABLE),
    matrix(),
    ...TOPICS.flatMap((topic) => [
      `## ${topic[0]!.toUpperCase()}${topic.slice(1)}`,
      ...ATTACKS.filter((attack) => attack.topic === topic).map(section),
    ]),
  ];
  return `${parts.join("\n\n")}\n`;
}

const INTRODUCTION = [
  "`tessera attack` carries these out against real servers: a realm in a temporary folder, with AS, TGS " +
    "and V on free ports of loopback, its users alice and mallory, and a clock that can be turned. Mallory " +
    "attacks, with what her row says she has, and every step is printed. No realm but those can be " +
    "attacked with it.",
  "```sh\ntessera attack list\ntessera attack show cut-and-paste\ntessera attack run cut-and-paste\n" +
    "tessera attack run replay --profile standard\ntessera attack run --all --json\n```",
  "Three scenes: `textbook-ecb` is the profile `textbook` with keys of DES_ECB alone, as programs of " +
    "courses have them; `textbook` has DES_CBC_MD5; `standard` has AES. `tessera scene list` has their " +
    "story. An attack is one file in `src/lab/attacks/`, and one row of `table.ts`; a test runs all of " +
    "them in all scenes, and another holds this page against the rows.",
];

const ABOUT_THE_TABLE = [
  "ALLOWED: mallory gets what she is after. BLOCKED: by whom, and with which refusal. Where even " +
    "`standard` says ALLOWED, no check can help: a password that is on a list, a key or a cache that was " +
    "stolen, a clock that the attacker sets. Their paragraphs say what does; [security.md](security.md) " +
    "has the defences with their tests and limits.",
];

function matrix(): string {
  const head = `| attack | ${SCENE_NAMES.map((scene) => `\`${scene}\``).join(" | ")} |`;
  const rows = ATTACKS.map(
    ({ name, expected }) =>
      `| [${name}](#${name}) | ${SCENE_NAMES.map((scene) => cell(expected[scene])).join(" | ")} |`,
  );
  return [head, `|${" --- |".repeat(SCENE_NAMES.length + 1)}`, ...rows].join("\n");
}

function cell(expected: Expected): string {
  return expected === "ALLOWED" ? "**ALLOWED**" : `BLOCKED, ${CHECKERS[expected[1]]}: \`${expected[0]}\``;
}

function section({ name, title, has, lesson, figure }: Attack): string {
  const drawn = figure === undefined ? [] : [`\`\`\`\n${figure.join("\n")}\n\`\`\``];
  return [`### ${name}`, ...paragraphs([`*${title}.* Mallory has ${has}.`, lesson, ...drawn])].join("\n\n");
}

function paragraphs(texts: readonly string[]): string[] {
  return texts.map((text) => (text.startsWith("```") ? text : wrapped(text)));
}

function wrapped(text: string): string {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > WIDTH) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line].join("\n");
}
