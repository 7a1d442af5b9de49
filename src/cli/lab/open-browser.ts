/** Opens an address in the user's browser, by the command that each system has for it. */
import { spawn } from "node:child_process";
import { systemErrorText } from "../../files/system-error.js";
import type { Environment } from "../frame/surroundings.js";

const COMMANDS: Readonly<Partial<Record<NodeJS.Platform, readonly string[]>>> = {
  darwin: ["open"],
  win32: ["cmd", "/c", "start", ""],
};

/**
 * Opens a browser, and waits for nothing.
 * @param onTrouble told why it could not be opened.
 */
export function openBrowser(url: string, env: Environment, onTrouble: (text: string) => void): void {
  const [command, ...words] = COMMANDS[process.platform] ?? ["xdg-open"];
  const child = spawn(command!, [...words, url], {
    env: env as NodeJS.ProcessEnv,
    stdio: "ignore",
    detached: true,
  });
  child.once("error", (error) => onTrouble(`${command}: ${systemErrorText(error)}`));
  child.once("exit", (code) => {
    if (code !== 0 && code !== null) onTrouble(`${command} ended with ${code}`);
  });
  child.unref();
}
