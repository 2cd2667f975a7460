/** Just enough of ONNX's file format (protobuf messages) to take a model's weights out and to write a model anew. */

/** Dimensions of a tensor; a name stands for one that differs from run to run. */
export type Dimension = number | string;
export type ModelValue = { name: string; dimensions: readonly Dimension[] };

type Field = { number: number; value: Uint8Array | bigint };

/** Field numbers of onnx.proto3, which never change. */
const MODEL = { irVersion: 1, graph: 7, opsetImport: 8 } as const;
const OPSET = { version: 2 } as const;
const GRAPH = { node: 1, name: 2, initializer: 5, input: 11, output: 12 } as const;
const NODE = { input: 1, output: 2, operator: 4, attribute: 5 } as const;
const ATTRIBUTE = { name: 1, integer: 3, text: 4, tensor: 5, graph: 6, type: 20 } as const;
const ATTRIBUTE_TYPE = { integer: 2, text: 3 } as const;
const TENSOR = { dimension: 1, type: 2, floats: 4, name: 8, raw: 9 } as const;
const ELEMENT = { float: 1, integer64: 7 } as const;
/** Of the written file; both are read by every onnxruntime since 2021. */
const IR_VERSION = 8;
const OPSET_VERSION = 16;

/** The float constants of a model, by the name of what they feed; those of the branches of conditions included. */
export function readFloatConstants(model: Uint8Array): Map<string, Float32Array> {
  const constants = new Map<string, Float32Array>();
  const graph = messagesOf(readFields(model), MODEL.graph)[0];
  if (!graph) throw new TypeError('this is no ONNX model');
  collect(graph, constants);
  return constants;
}

function collect(graph: Uint8Array, constants: Map<string, Float32Array>): void {
  for (const node of messagesOf(readFields(graph), GRAPH.node).map(readFields)) {
    const output = messagesOf(node, NODE.output)[0];
    for (const attribute of messagesOf(node, NODE.attribute).map(readFields)) {
      for (const branch of messagesOf(attribute, ATTRIBUTE.graph)) collect(branch, constants);
      const tensor = messagesOf(attribute, ATTRIBUTE.tensor)[0];
      const values = tensor && readFloats(tensor);
      if (output && values) constants.set(Buffer.from(output).toString(), values);
    }
  }
}

function readFloats(tensor: Uint8Array): Float32Array | undefined {
  const fields = readFields(tensor);
  if (fields.find(({ number }) => number === TENSOR.type)?.value !== BigInt(ELEMENT.float)) return undefined;
  const bytes = messagesOf(fields, TENSOR.raw)[0] ?? messagesOf(fields, TENSOR.floats)[0];
  // Copied: weights lie in the file wherever they happen to, and floats want whole fours of bytes.
  return bytes && new Float32Array(Uint8Array.from(bytes).buffer);
}

function messagesOf(fields: readonly Field[], number: number): Uint8Array[] {
  return fields.flatMap((field) => (field.number === number && field.value instanceof Uint8Array ? [field.value] : []));
}

function readFields(bytes: Uint8Array): Field[] {
  const fields: Field[] = [];
  let at = 0;
  const readVarint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes[at++];
      if (byte === undefined) throw new TypeError('this ONNX model ends too early');
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  };
  while (at < bytes.length) {
    const tag = Number(readVarint());
    // Varints hold numbers, 2 is everything of some length, 1 and 5 are single numbers of 8 and 4 bytes.
    const wire = tag & 7;
    const length = wire === 0 ? 0 : wire === 1 ? 8 : wire === 5 ? 4 : Number(readVarint());
    const value = wire === 0 ? readVarint() : bytes.subarray(at, (at += length));
    fields.push({ number: tag >>> 3, value });
  }
  return fields;
}

/** Collects operators and constants, and writes them as a model. */
export class OnnxWriter {
  readonly #nodes: Buffer[] = [];
  readonly #constants: Buffer[] = [];
  #count = 0;

  /** Adds an operator of one output. @returns the output's name */
  add(operator: string, inputs: readonly string[], attributes: Record<string, number | string> = {}, output?: string) {
    const name = output ?? this.#newName();
    const written = Object.entries(attributes).map(([key, value]) =>
      message(NODE.attribute, writeAttribute(key, value)),
    );
    const texts = [...inputs.map((input) => text(NODE.input, input)), text(NODE.output, name)];
    this.#nodes.push(Buffer.concat([...texts, text(NODE.operator, operator), ...written]));
    return name;
  }

  floats(dimensions: readonly number[], values: Float32Array): string {
    return this.#constant(dimensions, ELEMENT.float, values);
  }

  integers(...values: number[]): string {
    return this.#constant([values.length], ELEMENT.integer64, BigInt64Array.from(values, BigInt));
  }

  model(inputs: readonly ModelValue[], outputs: readonly ModelValue[]): Uint8Array {
    const graph = Buffer.concat([
      ...this.#nodes.map((node) => message(GRAPH.node, node)),
      text(GRAPH.name, 'graph'),
      ...this.#constants.map((tensor) => message(GRAPH.initializer, tensor)),
      ...inputs.map((value) => message(GRAPH.input, writeValue(value))),
      ...outputs.map((value) => message(GRAPH.output, writeValue(value))),
    ]);
    const opset = integer(OPSET.version, OPSET_VERSION);
    return Buffer.concat([
      integer(MODEL.irVersion, IR_VERSION),
      message(MODEL.graph, graph),
      message(MODEL.opsetImport, opset),
    ]);
  }

  #constant(dimensions: readonly number[], type: number, values: Float32Array | BigInt64Array): string {
    const name = this.#newName();
    const raw = Buffer.from(values.buffer, values.byteOffset, values.byteLength);
    const sizes = dimensions.map((size) => integer(TENSOR.dimension, size));
    this.#constants.push(
      Buffer.concat([...sizes, integer(TENSOR.type, type), text(TENSOR.name, name), message(TENSOR.raw, raw)]),
    );
    return name;
  }

  #newName(): string {
    return `v${this.#count++}`;
  }
}

function writeAttribute(name: string, value: number | string): Buffer {
  return typeof value === 'number'
    ? Buffer.concat([
        text(ATTRIBUTE.name, name),
        integer(ATTRIBUTE.integer, value),
        integer(ATTRIBUTE.type, ATTRIBUTE_TYPE.integer),
      ])
    : Buffer.concat([
        text(ATTRIBUTE.name, name),
        text(ATTRIBUTE.text, value),
        integer(ATTRIBUTE.type, ATTRIBUTE_TYPE.text),
      ]);
}

/** ValueInfoProto { name 1, type 2 { tensor 1 { element 1, shape 2 { dimension 1 { size 1 | name 2 } } } } }, of floats. */
function writeValue({ name, dimensions }: ModelValue): Buffer {
  const sizes = dimensions.map((size) => message(1, typeof size === 'number' ? integer(1, size) : text(2, size)));
  const tensor = Buffer.concat([integer(1, ELEMENT.float), message(2, Buffer.concat(sizes))]);
  return Buffer.concat([text(1, name), message(2, message(1, tensor))]);
}

function message(number: number, bytes: Uint8Array): Buffer {
  return Buffer.concat([varint((number << 3) | 2), varint(bytes.length), bytes]);
}

function text(number: number, value: string): Buffer {
  return message(number, Buffer.from(value));
}

function integer(number: number, value: number): Buffer {
  return Buffer.concat([varint(number << 3), varint(value)]);
}

/** Of a number that is not negative. */
function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80);
  return Buffer.from([...bytes, rest]);
}
