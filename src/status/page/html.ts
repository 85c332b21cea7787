import htm from 'htm';
import { h, type VNode } from 'preact';

/** A piece of the page, written as HTML. */
export const html = htm.bind(h) as (strings: TemplateStringsArray, ...values: unknown[]) => VNode;
