/** The service, loaded from its proto at run time. */
import { fileURLToPath } from "node:url";
import * as grpc from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";

const definition = loadSync(fileURLToPath(new URL("notes.proto", import.meta.url)));

/** Client class and service definition. */
export const { NoteService } = grpc.loadPackageDefinition(definition).notes.v1;
