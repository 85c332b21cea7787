import {
  type Alias,
  type Document,
  isAlias,
  isCollection,
  isMap,
  isNode,
  isPair,
  isScalar,
  isSeq,
  type Node,
  parseDocument,
  Scalar,
  type ScalarTag,
  type Tags,
  visit,
  YAMLMap,
  type YAMLSeq,
} from 'yaml';
import { UsageError } from './errors.ts';

/** Most values that aliases may stand for: each may hold others. */
const mostAliases = 100;

/** Most values that are written out in one change; with aliases inside of each other they could grow without end. */
const mostCopies = 1000;

/** The way to a value from the top of a file. */
export type YamlPath = readonly (string | number)[];

/**
 * The text of an operator's YAML file, to be changed by keys. What is not changed keeps its order, its comments and its way of
 * writing; spaces are made regular. Throws {@link UsageError} for text that is not YAML, or that cannot be changed so.
 */
export class YamlText {
  readonly #document: Document;
  readonly #before: string;
  #changed = false;
  #copies = 0;

  constructor(text: string) {
    this.#before = text;
    this.#document = parseDocument(text, { prettyErrors: false, uniqueKeys: false, customTags: keepDigits });
    const [fault] = this.#document.errors;
    if (fault !== undefined) throw new UsageError(`not valid YAML: ${fault.message.split('\n', 1)[0]}`);
    const { contents } = this.#document;
    if (contents !== null && !isMap(contents) && !(isScalar(contents) && contents.value === null))
      throw new UsageError('the file must hold lines of the form "key: value"');
    // A comment right behind the last key would be written with an empty line before it.
    const { comment } = this.#document;
    const isApart = /\n[ \t]*\r?\n[ \t]*#[^\n]*(?:\r?\n[ \t]*#[^\n]*)*\s*$/.test(text);
    if (isMap(contents) && comment && !isApart) {
      contents.comment = contents.comment ? `${contents.comment}\n${comment}` : comment;
      this.#document.comment = null;
    }
  }

  /** The plain value at a path; undefined for none. */
  get(path: YamlPath): unknown {
    const node = path.length === 0 ? this.#document.contents : this.#document.getIn(path, true);
    try {
      return isNode(node) ? node.toJS(this.#document, { maxAliasCount: mostAliases }) : undefined;
    } catch (error) {
      throw aliasFault(error);
    }
  }

  /** Keys of the top, in order. */
  get keys(): string[] {
    const { contents } = this.#document;
    return isMap(contents) ? contents.items.map(({ key }) => String(isScalar(key) ? key.value : key)) : [];
  }

  /** Puts a value where another was, or behind the others. */
  set(path: YamlPath, value: unknown): void {
    const parent = this.#parent(path);
    const key = path.at(-1)!;
    const old = parent.get(key, true);
    const isPlain = typeof value !== 'object' || value === null;
    if (isScalar(old) && isPlain) {
      this.#unshare(old);
      old.value = value;
      // A number keeps neither the digits nor the form that another was written in.
      delete old.source;
      delete old.format;
      if (typeof value !== 'string' || old.type === Scalar.BLOCK_LITERAL || old.type === Scalar.BLOCK_FOLDED)
        delete old.type;
      return;
    }
    const node = this.#document.createNode(value) as Node;
    if (isNode(old)) {
      this.#unshareAll(old);
      node.commentBefore = old.commentBefore ?? null;
      node.comment = old.comment ?? null;
    }
    // A list in one line stays in one line.
    if (isCollection(node) && isCollection(old) && old.flow === true) node.flow = true;
    parent.set(key, node);
  }

  /** Takes a key or an element away. The comment before a key of the top stays: it may speak of what follows. */
  delete(path: YamlPath): void {
    const parent = this.#parent(path);
    const key = path.at(-1)!;
    if (path.length === 1 && isMap(parent)) this.#keepComment(parent, String(key));
    const old = parent.get(key, true);
    if (isNode(old)) this.#unshareAll(old);
    parent.delete(key);
  }

  /** Gives a key of the top another name; it keeps its place, its comments and its value. */
  rename(key: string, name: string): void {
    const { contents } = this.#document;
    const pair = isMap(contents) ? contents.items.find((item) => isScalar(item.key) && item.key.value === key) : null;
    if (isScalar(pair?.key)) {
      pair.key.value = name;
      delete pair.key.source;
    }
  }

  /** Puts a value behind the last of a list. */
  append(path: YamlPath, value: unknown): void {
    const list = this.#collection(path);
    if (isSeq(list)) list.add(this.#document.createNode(value));
  }

  /** The elements of a list with their comments: they may stand in a value for {@link set}. */
  elements(path: YamlPath): Node[] {
    const list = this.#collection(path);
    this.#unshareAll(list);
    return isSeq(list) ? (list.items as Node[]) : [];
  }

  /** The whole text. What was not asked to change has not changed. */
  toString(): string {
    const before = this.#before;
    if (!this.#changed) return before;
    let text: string;
    try {
      text = this.#document.toString({
        lineWidth: 0,
        indentSeq: !/^\S[^\n]*:[ \t]*(?:#[^\n]*)?\r?\n(?:[ \t]*#[^\n]*\r?\n)*- /m.test(before),
        flowCollectionPadding: /[{[] /.test(before),
      });
    } catch (error) {
      throw aliasFault(error);
    }
    if (this.keys.length === 0) text = this.#commentsOnly();
    if (before.startsWith('\ufeff')) text = `\ufeff${text}`;
    return before.includes('\r\n') ? text.replaceAll('\n', '\r\n') : text;
  }

  /** The collection that holds what is at `path`, made where there is none. */
  #parent(path: YamlPath): YAMLMap | YAMLSeq {
    return this.#collection(path.slice(0, -1));
  }

  #collection(path: YamlPath): YAMLMap | YAMLSeq {
    this.#changed = true;
    if (path.length === 0) {
      if (!isMap(this.#document.contents)) this.#startMap();
      return this.#document.contents as unknown as YAMLMap;
    }
    const parent = this.#parent(path);
    const key = path.at(-1)!;
    let node = parent.get(key, true) as Node | undefined;
    if (isAlias(node)) {
      // What is said by an alias is written out before it is changed: the others that share it stay.
      node = this.#copyOf(this.#targetOf(node));
      parent.set(key, node);
    }
    if (isMap(node) || isSeq(node)) {
      this.#unshare(node);
      return node;
    }
    throw new UsageError(`${path.join('.')}: is no list that could be changed`);
  }

  /** What others share by an anchor is written out for them before it changes. */
  #unshare(node: Scalar | YAMLMap | YAMLSeq): void {
    const { anchor } = node;
    if (anchor === undefined) return;
    // An alias means the last anchor of its name before it.
    let last: unknown = null;
    visit(this.#document, {
      Value: (_key, value) => {
        if (value.anchor === anchor) last = value;
      },
      Alias: (_key, alias, ancestors) => {
        if (alias.source !== anchor || last !== node) return undefined;
        if (ancestors.includes(node)) throw aliasFault(`&${anchor} holds itself`);
        const copy = this.#copyOf(node);
        copy.commentBefore = alias.commentBefore ?? null;
        copy.comment = alias.comment ?? null;
        copy.spaceBefore = alias.spaceBefore ?? false;
        return copy;
      },
    });
    delete node.anchor;
  }

  /** The same for all that goes with a value. */
  #unshareAll(node: Node): void {
    const anchored: (Scalar | YAMLMap | YAMLSeq)[] = [];
    visit(node as Scalar, {
      Value: (_key, value) => {
        if (value.anchor !== undefined) anchored.push(value as Scalar);
      },
    });
    for (const value of anchored) this.#unshare(value);
  }

  /** A copy without anchors and aliases: at another place those might mean something else. */
  #copyOf<T extends Node>(node: T): T {
    if (++this.#copies > mostCopies) throw aliasFault('aliases of aliases without end');
    const targets: Node[] = [];
    visit(node as Node as Scalar, { Alias: (_key, alias) => void targets.push(this.#targetOf(alias)) });
    const copy = node.clone() as T;
    visit(copy as Node as Scalar, {
      Value: (_key, value) => void delete value.anchor,
      Alias: () => this.#copyOf(targets.shift()!),
    });
    return copy;
  }

  #targetOf(alias: Alias): Node {
    const target = alias.resolve(this.#document);
    if (target === undefined) throw aliasFault(`no anchor for *${alias.source}`);
    return target as Node;
  }

  /** A file of comments only: its text stays above the first key. */
  #startMap(): void {
    const document = this.#document;
    const { contents } = document;
    const comments = [contents?.commentBefore, contents?.comment].filter((comment) => typeof comment === 'string');
    document.contents = new YAMLMap() as never;
    if (comments.length > 0) document.commentBefore = [document.commentBefore, ...comments].filter(Boolean).join('\n');
  }

  /** Without a key an empty map would be written as `{}`. */
  #commentsOnly(): string {
    const { commentBefore, comment, contents } = this.#document;
    const comments = [commentBefore, contents?.commentBefore, contents?.comment, comment].filter(Boolean).join('\n');
    return comments === '' ? '' : comments.replaceAll(/^(?=.)/gm, '#').concat('\n');
  }

  #keepComment(map: YAMLMap, key: string): void {
    const at = map.items.findIndex((pair) => isScalar(pair.key) && pair.key.value === key);
    const comment = isNode(map.items[at]?.key) ? (map.items[at].key as Node).commentBefore : null;
    if (typeof comment !== 'string' || comment === '') return;
    const next = map.items[at + 1];
    if (isPair(next) && isNode(next.key)) {
      const own = next.key.commentBefore;
      next.key.commentBefore = own ? `${comment}\n\n${own}` : comment;
      return;
    }
    map.comment = map.comment ? `${comment}\n${map.comment}` : comment;
  }
}

/** Numbers that were not changed are written as they were: `0815` may be a name. */
function keepDigits(tags: Tags): Tags {
  return tags.map((tag) => {
    if (typeof tag !== 'object' || !/:(?:int|float)$/.test(tag.tag)) return tag;
    const number = tag as ScalarTag;
    const stringify: ScalarTag['stringify'] = (item, ...context) =>
      item.source ?? number.stringify?.(item, ...context) ?? String(item.value);
    return { ...number, stringify };
  });
}

function aliasFault(error: unknown): UsageError {
  const reason = error instanceof Error ? error.message : String(error);
  return new UsageError(`the file uses anchors or aliases that this change would break (${reason}); edit it by hand`);
}
