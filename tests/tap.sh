# For tests in shell, which source it: counts what was checked and says it as TAP.
n=0 failed=0

# explain: lines that help to see why a check failed; a test may say its own.
explain() { tail -n 5 "${work:-.}/log"; }

# check STATUS DESCRIPTION
check() {
    n=$((n + 1))
    if [ "$1" -eq 0 ]; then
        echo "ok $n - $2"
    else
        failed=1
        # To stderr as well: of a test that failed, CI prints only that.
        said=$(echo "not ok $n - $2"; explain 2>/dev/null | sed 's/^/# /')
        echo "$said"
        echo "$said" >&2
    fi
}

# skip DESCRIPTION REASON
skip() {
    n=$((n + 1))
    echo "ok $n - $1 # SKIP $2"
}

# done_testing: the plan, and the end of the script.
done_testing() {
    echo "1..$n"
    exit $failed
}
