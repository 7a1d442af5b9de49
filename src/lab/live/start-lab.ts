/** `tessera lab`: the lab and the server before it, with the page and what can be kept of it. */
import { type PageFiles, readPageFiles } from "../page-files.js";
import type { Scene } from "../realm/scene-name.js";
import { staticPage } from "../transcript/static-page.js";
import { labRequests } from "./lab-requests.js";
import { LabServer, type ServedFile } from "./lab-server.js";
import { LiveLab } from "./live-lab.js";

/** What the lab begins with. */
export interface LabOptions {
  readonly scene: Scene;
  /** Where its server listens on loopback; 0: any free port. */
  readonly port: number;
  /** The folder of the learner's challenges, for their score. */
  readonly challenges: string;
}

/** A lab that runs. */
export interface RunningLab extends AsyncDisposable {
  /** The address to open, with the token in it. */
  readonly url: string;
}

/**
 * Starts the lab.
 * @throws ListenError if its server can't listen there; ReadableError if the page was not built.
 */
export async function startLab({ scene, port, challenges }: LabOptions): Promise<RunningLab> {
  const files = pageOf(readPageFiles("live"));
  let server: LabServer | undefined;
  const lab = await LiveLab.start(scene, (event) => server?.tell(event));
  try {
    server = await LabServer.open(port, {
      files,
      now: () => lab.now(),
      requests: labRequests(lab, challenges),
      exports: {
        "/transcript.html": () =>
          kept("html", "text/html; charset=utf-8", staticPage([lab.realm.transcript()])),
        "/transcript.json": () =>
          kept("json", "application/json; charset=utf-8", JSON.stringify(lab.realm.transcript(), null, 2)),
      },
    });
  } catch (error) {
    await lab[Symbol.asyncDispose]();
    throw error;
  }
  const { url } = server;
  const end = async () => {
    await server[Symbol.asyncDispose]();
    await lab[Symbol.asyncDispose]();
  };
  let ended: Promise<void> | undefined;
  return {
    url,
    [Symbol.asyncDispose]() {
      ended ??= end();
      return ended;
    },
  };
}

function kept(extension: string, contentType: string, content: string): ServedFile {
  return { contentType, content, saveAs: `tessera-lab.${extension}` };
}

/** The page's files, by their paths. */
function pageOf({ script, style, notices }: PageFiles): Readonly<Record<string, ServedFile>> {
  return {
    "/": { contentType: "text/html; charset=utf-8", content: PAGE },
    "/live.js": { contentType: "text/javascript; charset=utf-8", content: script },
    "/live.css": { contentType: "text/css; charset=utf-8", content: style },
    "/notices.txt": { contentType: "text/plain; charset=utf-8", content: notices },
    "/favicon.svg": { contentType: "image/svg+xml", content: ICON },
  };
}

const PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Tessera lab</title>
<link rel="icon" href="favicon.svg" type="image/svg+xml">
<link rel="stylesheet" href="live.css">
</head>
<body>
<noscript>The lab's page is a program: allow JavaScript for this address.</noscript>
<div id="lab"></div>
<script src="live.js"></script>
</body>
</html>
`;

const ICON = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><path fill="#b4532a" d="M2 2h12v4H10v8H6V6H2z"/></svg>
`;
