// What the validator looks for on every page: errors.  Each rule that is off is a matter of taste.
module.exports = {
  root: true,
  extends: ["html-validate:recommended"],
  rules: {
    "valid-id": ["error", { relaxed: true }], // HTML allows an id to begin with a digit
    "aria-label-misuse": ["error", { allowAnyNamable: true }], // a list may have a name
    "attr-delimiter": "off", // spaces around "=" are allowed, and Sphinx-Gallery writes them
    "attr-quotes": "off", // both kinds are allowed, and Sphinx-Gallery writes both
    "attribute-boolean-style": "off", // Sphinx writes defer="" and checked=""
    "attribute-empty-style": "off", // likewise download=""
    "doctype-style": "off", // furo writes it in lower case
    "no-trailing-whitespace": "off", // templates leave it
    "prefer-native-element": "off", // furo has role="main" and role="heading": a reader hears the same
    "prefer-tbody": "off", // a table has one by itself
    "void-style": "off", // docutils writes <br />
  },
};
