// How soon after `tessera lab` the first arrow is seen, and how much memory its server takes. `npm run bench:lab`.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { startChromium } from "../../tools/shots/chromium.mjs";

const TESSERA = fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url));
/** What is aimed at: seconds, and megabytes. */
const AIM = { arrow: 5, memory: 300 };

const browser = await startChromium();
try {
  for (const scene of ["textbook-ecb", "textbook", "standard"]) {
    const began = performance.now();
    const seconds = () => (performance.now() - began) / 1000;
    const lab = spawn(process.execPath, [TESSERA, "lab", "--scene", scene], {
      env: { ...process.env, TESSERA_CONFIG: "" },
      stdio: ["ignore", "pipe", "inherit"],
    });
    const [url] = await once(createInterface(lab.stdout), "line");
    const printed = seconds();
    const page = await browser.newPage();
    await page.goto(url);
    await page.getByRole("button", { name: "1 Log in" }).click();
    await page.locator(".arrow").first().waitFor();
    const arrow = seconds();
    await page.getByRole("checkbox", { name: "Hold each message on its way" }).uncheck();
    for (const step of ["2 Get a ticket for V", "3 Call V: who am I?"])
      await page.getByRole("button", { name: step, disabled: false }).click();
    await page.getByText("V knows who calls").waitFor();
    const dialogue = memoryOf(lab.pid);
    await page.getByRole("button", { name: "Attacks" }).click();
    await page.getByRole("button", { name: "in AES" }).click();
    await page.getByText("BLOCKED").waitFor();
    const attack = memoryOf(lab.pid);
    console.log(
      `${scene}: address after ${printed.toFixed(2)} s, first arrow after ${arrow.toFixed(2)} s (aim ${AIM.arrow} s); ` +
        `${dialogue} MB after a dialogue, ${attack} MB after an attack (aim ${AIM.memory} MB)`,
    );
    await page.close();
    lab.kill("SIGTERM");
    await once(lab, "close");
  }
} finally {
  await browser.close();
}

/** The resident memory of a process in megabytes, as Linux has it. */
function memoryOf(pid) {
  const [, kilobytes] = /VmRSS:\s*(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
  return Math.round(kilobytes / 1024);
}
