# Runs every block of SQL in README.md and docs/*.md, a database for each page, and compares the answers with the page.
#
# A block that begins with ```sql is a session of psql: statements, and below a statement the output that psql shows
# for it, which ends at an empty line or at the end of the block. A statement without output must not fail. \connect
# works. Keys, ids of the sequence, moments, dates and process ids are compared by their shape; a key or id that a page
# shows stands for the real one in later statements. What a page needs and does not show, a superuser runs from a comment:
# <!-- sql: CREATE ROLE portal LOGIN -->
#
# With ACCEPT=1, test/run.sh copies the corrected pages back; a line ? stands for output to be filled in.
use strict;
use warnings;
use File::Path qw(make_path);
use FindBin;
use lib $FindBin::RealBin;
use IPC::Run;
use LicenseTest qw(new_node create_extension);
use PostgreSQL::Test::Utils;
use Test::More;

my $root = "$FindBin::RealBin/../..";
my $corrected = ($ENV{TESTDIR} // $PostgreSQL::Test::Utils::tmp_check) . '/documents';
my $node = new_node('documents');

# What differs from run to run
my $varying = qr/
	(?<key> \b[0-9A-Z]{5}(?:-[0-9A-Z]{5}){4}\b )
	| (?<moment> \d{4}-\d\d-\d\d[ T]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:[+-]\d\d(?::?\d\d)?)? )
	| (?<date> \b\d{4}-\d\d-\d\d\b )
	| (?<process> (?<=PID\ )\d+ )
	| (?<id> \b1\d{6}\b )
/x;

# A text with everything that varies replaced by its kind, and without the widths of columns
sub shape
{
	my ($text) = @_;

	$text =~ s/$varying/(keys %+)[0]/ge;
	$text =~ s/-{2,}/--/g;
	$text =~ s/ +/ /g;
	$text =~ s/ $//mg;
	return $text =~ s/\A\n+|\n+\z//gr;
}

# The keys and ids in a text, in their order
sub names_in
{
	my ($text) = @_;
	my @found;

	while ($text =~ /$varying/g)
	{
		push @found, $+{key} // $+{id} if defined($+{key} // $+{id});
	}
	return @found;
}

# Has this text ended a statement or a command of psql?
sub is_complete
{
	my ($sql) = @_;

	return 1 if $sql =~ /^\\/;
	$sql =~ s/'(?:[^']|'')*'|"[^"]*"|\$(\w*)\$.*?\$\1\$|--[^\n]*//sg;
	return $sql =~ /;\s*\z/ && $sql !~ /['"]|\$\w*\$/;
}

sub begins_output
{
	my ($line, $next) = @_;

	return $line eq '?' || $line =~ /^(?:ERROR|NOTICE|WARNING|INFO|Asynchronous notification|-\[ RECORD)\b/
	  || ($next // '') =~ /^-{2}[-+]*$/ && $line !~ /^\s*$/;
}

# The steps of a page: a statement, and the line and lines of its output where the page shows one.
sub steps
{
	my ($page) = @_;
	my @lines = split /\n/, $page;
	my ($inside, $sql, $showing, @steps) = (0, '', 0);

	foreach my $number (0 .. $#lines)
	{
		my $line = $lines[$number];

		if (!$inside || $line =~ /^```/)
		{
			push @steps, { sql => $sql } if $sql =~ /\S/;
			($inside, $sql, $showing) = ($line eq '```sql', '', 0);
			push @steps, { sql => $1, prepares => 1 } if join("\n", @lines[ $number .. $#lines ]) =~ /\A<!-- sql:\s(.*?)-->/s;
			next;
		}
		if ($sql eq '' && @steps && !$showing && begins_output($line, $lines[ $number + 1 ]))
		{
			$steps[-1]{line} = $number;
			$showing = 1;
		}
		if ($line =~ /^\s*$/)
		{
			$showing = 0;
		}
		elsif ($showing)
		{
			push @{ $steps[-1]{shown} }, $line;
		}
		else
		{
			$sql .= $sql eq '' ? $line : "\n$line";
			next if !is_complete($sql);
			push @steps, { sql => $sql };
			$sql = '';
		}
	}
	return @steps;
}

sub new_session
{
	my ($database) = @_;
	my %session = (in => '', out => '');

	$session{harness} = IPC::Run::start([ 'psql', '-X', '-q', '-d', $node->connstr($database) ],
		'<', \$session{in}, '>', \$session{out}, '2>&1', IPC::Run::timeout(120));
	answer(\%session, '\pset footer off');
	return \%session;
}

# What psql prints for a statement
sub answer
{
	my ($session, $sql) = @_;

	$session->{out} = '';
	$session->{in} .= "$sql\n\\echo END-OF-STEP\n\\warn END-OF-STEP\n";
	$session->{harness}->pump until 2 <= (() = $session->{out} =~ /^END-OF-STEP\n/mg);
	return $session->{out} =~ s/^END-OF-STEP\n//mgr =~ s/^psql:.*?: (?=ERROR|NOTICE|WARNING|INFO)//mgr =~ s/[ \t]+$//mgr
	  =~ s/\n{2,}/\n/gr =~ s/\n+\z//r;
}

# Runs the steps of a page and returns what is wrong with it. A step that differs gets the real lines.
sub wrong_steps
{
	my ($database, @steps) = @_;
	my $session = new_session($database);
	my (%known, @wrong);

	foreach my $step (@steps)
	{
		$node->safe_psql($database, $step->{sql}), next if $step->{prepares};
		my $sql = $step->{sql} =~ s/($varying)/$known{$1} \/\/ $1/ger;
		my $real = eval { answer($session, $sql) } // "psql ended: $session->{out} $@";
		my $shown = $step->{shown} ? join("\n", @{ $step->{shown} }) : undef;

		if (defined $shown ? shape($real) ne shape($shown) : $real =~ /^(?:ERROR|FATAL|WARNING|psql ended)\b|^[\\\w ]+: error/m)
		{
			push @wrong, "$sql\nshown:\n" . ($shown // '') . "\nanswered:\n$real\n";
			$step->{real} = $real if defined $shown;
		}
		elsif (defined $shown)
		{
			@known{ names_in($shown) } = names_in($real);
		}
		last if $real =~ /^psql ended/;
	}
	$session->{harness}->kill_kill;
	return @wrong;
}

# The page with the real output of the steps that differ
sub corrected
{
	my ($page, @steps) = @_;
	my @lines = split /\n/, $page;

	splice @lines, $_->{line}, scalar @{ $_->{shown} }, split /\n/, $_->{real} foreach reverse grep { defined $_->{real} } @steps;
	return join("\n", @lines) . "\n";
}

# Runs a page in a database of its own. Roles belong to the server: they are dropped, and pages may use the same names.
sub run_page
{
	my ($database, $page) = @_;
	my @steps = steps($page);

	$node->safe_psql('postgres', "CREATE DATABASE $database");
	create_extension($node, $database) if !grep { $_->{sql} =~ /^CREATE EXTENSION license_ext/ } @steps;
	my @wrong = wrong_steps($database, @steps);
	my $roles = $node->safe_psql('postgres', q{SELECT string_agg(quote_ident(rolname), ', ') FROM pg_roles WHERE oid >= 16384});
	$node->safe_psql($database, "DROP OWNED BY $roles CASCADE; DROP ROLE $roles") if $roles ne '';
	return ([ map { $_->{sql} } grep { !$_->{prepares} } @steps ], \@wrong, corrected($page, @steps));
}

my ($statements, $wrong, $new) = run_page('itself', <<'PAGE');
```sql
SELECT ';' AS semicolon,
       generate_series(1, 2);
 semicolon | generate_series
-----------+-----------------
 ;         |               1
 ;         |               3

SELECT 1 / 0;
SELECT now()::date AS today, 1000001 AS id, 'a' AS letter;
   today    |   id    | letter
------------+---------+--------
 2001-01-01 | 1000007 | a

SELECT 1000007 = 1000001 AS same;
?

DO $$BEGIN RAISE NOTICE 'seen';
END$$;
NOTICE:  unseen
```
PAGE
is(@$statements, 5, 'documents.pl: a block is split into its statements');
is(join(' ', map { /^(\w+ \S+)/ } @$wrong), "SELECT ';' SELECT 1 SELECT 1000001 DO \$\$BEGIN",
	'documents.pl: a wrong row, an error not shown, an output not shown yet and a wrong notice are found, a date is not');
like($new, qr/^ ; +\| +2\n.*^ 2001-01-01 \| 1000007 \| a\n.*^ t\n.*^NOTICE:  seen\n/ms, 'documents.pl: the corrected page has the real output');

# pg_cron works in one database of a server.
$node->append_conf('postgresql.conf', "cron.database_name = 'page_notices'");
$node->restart;
make_path($corrected);
foreach my $file ("$root/README.md", glob("$root/docs/*.md"))
{
	my ($name) = $file =~ m{([^/]+)\.md$};
	my $page = slurp_file($file);

	next if $page !~ /^```sql$/m;
	($statements, $wrong, $new) = run_page('page_' . lc($name =~ s/-/_/gr), $page);
	is(join("\n", @$wrong), '', "$name.md: each of its " . @$statements . ' statements answers what the page shows');
	append_to_file("$corrected/$name.md", $new) if @$wrong;
}

# docs/reference.md is generated, and errors.md has the table of codes.
my $reference = $node->safe_psql('postgres', slurp_file("$root/test/reference.sql"), extra_params => ['-q']) . "\n";
ok($reference eq slurp_file("$root/docs/reference.md"), 'reference.md is what make reference writes');
is(join("\n", slurp_file("$root/docs/errors.md") =~ /^\| `(LX\d+)` \| `(\w+)` \| (.*?) \|/mg),
	$node->safe_psql('postgres', q{SELECT string_agg(concat_ws(chr(10), sqlstate, name, meaning), chr(10)) FROM license.error_codes()}),
	'errors.md has every error code with its name and meaning, in order');

# architecture.md has the levels of test/directions.pl.
my ($levels) = slurp_file("$root/test/directions.pl") =~ /^my \@levels = \((.*?)\);/ms;
my @levels = $levels =~ /\[(.*?)\]/g;
my %level_of = map { my $level = $_; map { $_ => $level } $levels[$level] =~ /'(\w+)'/g } 0 .. $#levels;
my %documented = reverse slurp_file("$root/docs/architecture.md") =~ /^\| (\d) \| `(\w+)` \|/mg;
is_deeply(\%documented, { map { $_ => $level_of{$_} } grep { -e "$root/src/$_" || $_ eq 'init' } keys %level_of },
	'architecture.md has every area of src/ at its level');

$node->stop;
done_testing();
