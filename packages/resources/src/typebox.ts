/**
 * The one import of typebox. The build bundles it into this module's file: to find and read its 370 files one by one was
 * a quarter of the time that a control plane takes to start.
 */
export { type Static, type TOptional, type TSchema, type TUnsafe, Type } from 'typebox';
