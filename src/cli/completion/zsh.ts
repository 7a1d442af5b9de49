/** The completions of zsh. */
import {
  type CompletedCommand,
  type CompletedOption,
  firstWords,
  groups,
  secondWord,
  summaryOf,
} from "./completed-command.js";

/** A script that zsh evaluates after `compinit`, or autoloads as `_tessera`. */
export function zshScript(commands: readonly CompletedCommand[]): string {
  const rows = firstWords(commands).map((word) => [word, summaryOf(commands, word)] as const);
  return `#compdef tessera
# Completions of tessera for zsh. In ~/.zshrc, after compinit: eval "$(tessera completion zsh)"
_tessera() {
  local name=$words[2]
  local -a commands
  if (( CURRENT == 2 )); then
    commands=(${described(rows)})
    _describe -t commands command commands
    return
  fi
  shift words; (( CURRENT-- ))
  case $name in
${groups(commands)
  .map(([group, inGroup]) => groupCase(group, inGroup))
  .join("\n")}
  esac
  case $name in
${commands.map(commandCase).join("\n")}
  esac
}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then _tessera "$@"; else compdef _tessera tessera; fi`;
}

function groupCase(group: string, rows: readonly CompletedCommand[]): string {
  const described2 = described(rows.map((row) => [secondWord(row), row.summary]));
  return `    ${group})
      if [[ $words[2] != -* ]]; then
        if (( CURRENT == 2 )); then
          commands=(${described2})
          _describe -t commands command commands
          return
        fi
        name="$name $words[2]"
        shift words; (( CURRENT-- ))
      fi ;;`;
}

function commandCase({ name, aliases, options, words }: CompletedCommand): string {
  const argument = words.length > 0 ? `*:argument:(${words.join(" ")})` : "*:argument:_files";
  const specs = [...options.map(optionSpec), quoted(argument)];
  return `    ${[name, ...aliases].map(quoted).join("|")})
      _arguments -s : ${specs.join(" ")} ;;`;
}

function optionSpec({ long, short, help, value, isFile, isMultiple }: CompletedOption): string {
  const text = `[${help.replaceAll(/[[\]\\]/g, "\\$&")}]`;
  const taken = value === undefined ? "" : `:${value.replaceAll(":", "\\:")}:${isFile ? "_files" : ""}`;
  const star = isMultiple ? "*" : "";
  const tail = quoted(text + taken);
  if (short === undefined) return `${quoted(`${star}--${long}`)}${tail}`;
  const others = isMultiple ? quoted("*") : quoted(`(-${short} --${long})`);
  return `${others}{-${short},--${long}}${tail}`;
}

function described(rows: readonly (readonly [word: string, summary: string])[]): string {
  return rows.map(([word, summary]) => quoted(`${word}:${summary.replaceAll(":", "\\:")}`)).join(" ");
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
