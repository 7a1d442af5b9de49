/** The completions of fish. */
import {
  type CompletedCommand,
  type CompletedOption,
  firstWords,
  groups,
  secondWord,
  summaryOf,
} from "./completed-command.js";

/** A script that fish sources. */
export function fishScript(commands: readonly CompletedCommand[]): string {
  const inGroups = groups(commands);
  return `# Completions of tessera for fish: tessera completion fish > ~/.config/fish/completions/tessera.fish
function __tessera_is
  set -l words (commandline -opc)
  set -e words[1]
  set -l name $words[1]
  if contains -- "$name" ${inGroups.map(([group]) => group).join(" ")}; and set -q words[2]
    string match -q -- '-*' $words[2]; or set name "$name $words[2]"
  end
  contains -- "$name" $argv
end
complete -c tessera -f
${firstWords(commands)
  .map((word) => argument("", word, summaryOf(commands, word)))
  .join("\n")}
${inGroups.flatMap(([group, rows]) => rows.map((row) => argument(quoted(group), secondWord(row), row.summary))).join("\n")}
${commands.flatMap(linesOf).join("\n")}`;
}

function linesOf({ name, aliases, options, words }: CompletedCommand): string[] {
  const names = [name, ...aliases].map(quoted).join(" ");
  const lines = [
    ...options.map((option) => optionLine(names, option)),
    ...words.map((word) => argument(names, word)),
  ];
  return words.length > 0
    ? lines
    : [...lines, `complete -c tessera -n ${quoted(`__tessera_is ${names}`)} -F`];
}

/** A line for an option of the commands of these names. */
function optionLine(names: string, { long, short, help, value, isFile }: CompletedOption): string {
  const letter = short === undefined ? "" : ` -s ${short}`;
  const taken = value === undefined ? "" : isFile ? " -r -F" : " -x";
  return `complete -c tessera -n ${quoted(`__tessera_is ${names}`)} -l ${long}${letter}${taken} -d ${quoted(help)}`;
}

/** A line for a word after the commands of these names; none: after tessera itself. */
function argument(names: string, word: string, summary = ""): string {
  const condition = quoted(`__tessera_is ${names === "" ? "''" : names}`);
  const text = summary === "" ? "" : ` -d ${quoted(summary)}`;
  return `complete -c tessera -n ${condition} -a ${word}${text}`;
}

function quoted(text: string): string {
  return `'${text.replaceAll(/[\\']/g, "\\$&")}'`;
}
