// Prints what GitHub's own language service finds wrong in workflows: unknown keys, functions, and outputs of steps.
// It needs the packages in the folder of this file, into which the test copies it.
import { readFileSync } from "node:fs";
import { register } from "node:module";

// The packages import JSON without saying so, which Node refuses.
const load = `export const load = (url, context, next) =>
    next(url, url.endsWith(".json") ? { ...context, importAttributes: { type: "json" } } : context);`;
register("data:text/javascript," + encodeURIComponent(load));
const { validate } = await import("@actions/languageservice");
const { TextDocument } = await import("vscode-languageserver-textdocument");

for (const file of process.argv.slice(2)) {
    const document = TextDocument.create(`file://${file}`, "yaml", 1, readFileSync(file, "utf8"));
    for (const { range, message } of await validate(document)) {
        console.log(`${file}:${range.start.line + 1}: ${message}`);
        process.exitCode = 1;
    }
}
