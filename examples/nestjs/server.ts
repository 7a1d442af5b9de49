/**
 * The application as a gRPC server: Nest hands `channelOptions` to grpc-js's server, interceptors and all.
 */
import "reflect-metadata";
import type { INestMicroservice } from "@nestjs/common";
import { NestFactory } from "@nestjs/core";
import { type GrpcOptions, Transport } from "@nestjs/microservices";
import { type GuardOptions, guard } from "tessera-sso/server";
import { PROTO } from "./notes.js";
import { NoteModule } from "./notes.module.js";

/** The application; `listen` starts it. */
export function makeServer(url: string, keytab: GuardOptions["keytab"]): Promise<INestMicroservice> {
  const interceptors = [guard({ keytab, currentCaller: true })];
  return NestFactory.createMicroservice<GrpcOptions>(NoteModule, {
    transport: Transport.GRPC,
    options: { package: "notes.v1", protoPath: PROTO, url, channelOptions: { interceptors } as object },
    logger: ["error", "warn"],
  });
}
