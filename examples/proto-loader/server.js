/** The server: everybody writes and reads their own notes. */
import { callerOf, guardedServer } from "tessera-sso/server";
import { NoteService } from "./notes.js";

/** A server that is not bound yet. `keytab`: a path, or a function that gives the service's keys. */
export function makeServer(keytab) {
  const server = guardedServer({ keytab });
  server.addService(NoteService.service, handlers());
  return server;
}

function handlers() {
  const notes = [];
  const write = (owner, text) => {
    const note = { text, owner };
    notes.push(note);
    return note;
  };
  return {
    add(call, reply) {
      reply(null, write(callerOf(call).principal, call.request.text));
    },
    list(call) {
      const { principal } = callerOf(call);
      for (const note of notes) if (note.owner === principal) call.write(note);
      call.end();
    },
    addAll(call, reply) {
      const { principal } = callerOf(call);
      let added = 0;
      call.on("data", ({ text }) => {
        write(principal, text);
        added++;
      });
      call.on("end", () => reply(null, { added }));
    },
    follow(call) {
      const { principal } = callerOf(call);
      call.on("data", ({ text }) => call.write(write(principal, text)));
      call.on("end", () => call.end());
    },
  };
}
