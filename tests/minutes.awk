# Reads what `cargo test` printed, standard error among it, and prints a table of the suites with their
# minutes and their number of tests. The build of the tests is the first row. Suites without tests are
# left out; a suite that failed, or that ended without a result, says so.

function seconds(text,    parts, count, part, sum) {
    count = split(text, parts, " ")
    for (part = 1; part <= count; part++)
        sum += parts[part] * (parts[part] ~ /h$/ ? 3600 : parts[part] ~ /m$/ ? 60 : 1)
    return sum
}

function begin(name) {
    suites++
    names[suites] = name
    verdicts[suites] = "no result"
}

# target/debug/deps/storage-2c0ffaf295576f37
function crate(path) {
    sub(/.*\//, "", path)
    sub(/-[0-9a-f]+\)$/, "", path)
    return path
}

/^ *Finished .* in [0-9]/ {
    sub(/.* in /, "")
    build += seconds($0)
}

/^ *Running / { begin(crate($NF) " (" $(NF - 1) ")") }

/^ *Doc-tests / { begin($2 " (examples in the documentation)") }

# `test result: ok. 6 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.01s`; of
# examples in the documentation there can be several.
/^test result: / {
    verdict = $3 == "ok." ? "" : "FAILED"
    if (verdicts[suites] != "FAILED")
        verdicts[suites] = verdict
    tests[suites] += $4 + $6
    ignored[suites] += $8
    times[suites] += seconds($NF)
}

function row(time, count, name, verdict) {
    printf "%8.2f %6s  %s%s\n", time / 60, count, name, verdict == "" ? "" : "  " verdict
}

END {
    printf "%8s %6s  %s\n", "minutes", "tests", "suite"
    row(build, "", "build of the tests")
    together = build
    for (suite = 1; suite <= suites; suite++) {
        if (tests[suite] + ignored[suite] == 0 && verdicts[suite] == "")
            continue
        name = names[suite] (ignored[suite] > 0 ? ", " ignored[suite] " ignored" : "")
        row(times[suite], tests[suite] + 0, name, verdicts[suite])
        together += times[suite]
        all += tests[suite]
    }
    row(together, all + 0, "together")
}
