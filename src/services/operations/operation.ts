/**
 * The shape of an operation of V. To add one: its messages in operations.proto, a file here, a row in the
 * index.
 */
import type { DescMessage, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import type { TicketContents } from "../../protocol/ticket.js";
import type { NotesStore } from "../../store/notes-store.js";

/** What an operation knows of its call; only the ticket says who calls. */
export interface OperationCall {
  readonly ticket: TicketContents;
  readonly notes: NotesStore;
  /** The server's time, in milliseconds since the epoch. */
  readonly now: number;
}

/** An operation, identified by its request message and answered with its response message. */
export interface Operation<
  Request extends DescMessage = DescMessage,
  Response extends DescMessage = DescMessage,
> {
  readonly request: Request;
  readonly response: Response;
  /** Runs it; throws RpcError or KrbError to refuse. */
  handle(request: MessageShape<Request>, call: OperationCall): Promise<MessageInitShape<Response>>;
}

/** Checks an operation's types where it is defined. */
export function defineOperation<Request extends DescMessage, Response extends DescMessage>(
  operation: Operation<Request, Response>,
): Operation {
  return operation as unknown as Operation;
}
