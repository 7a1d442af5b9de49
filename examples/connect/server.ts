/** The server: everybody writes and reads their own notes. */
import { createServer, type Http2Server } from "node:http2";
import type { ConnectRouter, ServiceImpl } from "@connectrpc/connect";
import { callerOf, type GuardOptions, guardedNodeAdapter } from "tessera-sso/connect";
import { NoteService } from "./gen/notes_pb.js";

/** A server that does not listen yet. */
export function makeServer(keytab: GuardOptions["keytab"]): Http2Server {
  const routes = (router: ConnectRouter) => router.service(NoteService, handlers());
  return createServer(guardedNodeAdapter({ routes }, { keytab }));
}

function handlers(): ServiceImpl<typeof NoteService> {
  const notes: { readonly text: string; readonly owner: string }[] = [];
  const write = (owner: string, text: string) => {
    const note = { text, owner };
    notes.push(note);
    return note;
  };
  return {
    add({ text }, context) {
      return write(callerOf(context).principal, text);
    },
    async *list(_, context) {
      const { principal } = callerOf(context);
      yield* notes.filter(({ owner }) => owner === principal);
    },
    async addAll(requests, context) {
      const { principal } = callerOf(context);
      let added = 0;
      for await (const { text } of requests) {
        write(principal, text);
        added++;
      }
      return { added };
    },
    async *follow(requests, context) {
      const { principal } = callerOf(context);
      for await (const { text } of requests) yield write(principal, text);
    },
  };
}
