// The fixed words of the page in every language that it knows; texts of the study stay as the study has them.
//
// `text` is one object whose entries change with the language: whoever reads a word while drawing gets the present one.
// What is drawn once and stays writes its words with `inWords`, at once and after every change.

const LANGUAGES = ["zh", "en"];
const IN_ADDRESS = /^#lang=(\w+)$/;

function makeWords(study) {
  const text = {};
  const writers = [];
  const words = {
    text,
    language: null,
    choose(language) {
      words.language = language;
      Object.assign(text, study.texts[language]);
      document.documentElement.lang = text.tag;
      for (const write of writers) write();
    },
    onChange: (write) => writers.push(write),
    inWords(write) {
      writers.push(write);
      write();
    },
    // The address of another page of the same study, to be read in the same language.
    addressOf: (page) => (words.language === study.language ? page : page + "#lang=" + words.language),
  };
  const asked = (IN_ADDRESS.exec(window.location.hash) || [])[1];
  words.choose(LANGUAGES.includes(asked) ? asked : study.language);
  return words;
}

// A button that names the other language in that language, for whoever cannot read the present one.
function makeLanguageSwitch({ study, words }) {
  const button = element("button", { class: "language-switch", attributes: { type: "button" } });
  const other = () => LANGUAGES.find((language) => language !== words.language);
  button.addEventListener("click", () => words.choose(other()));
  words.inWords(() => {
    const text = study.texts[other()];
    button.textContent = text.language_name;
    button.lang = text.tag;
  });
  document.getElementById("wr-reading").append(button);
}
