# Servers for the TAP tests, with the extension as it was just built.
package LicenseTest;

use strict;
use warnings;

use Exporter 'import';
use FindBin;
use PostgreSQL::Test::Cluster;

our @EXPORT_OK = qw(new_node create_extension configure_node fill tables contents as_role session);

# A started server with the extension in database postgres. Parameters go to init().
sub new_node
{
	my ($name, %params) = @_;
	my $node = PostgreSQL::Test::Cluster->new($name);

	$node->init(%params);
	configure_node($node);
	$node->start;
	create_extension($node, 'postgres');
	return $node;
}

sub configure_node
{
	my ($node) = @_;

	$node->append_conf('postgresql.conf', $ENV{LICENSE_EXT_SETTINGS})
	  if defined $ENV{LICENSE_EXT_SETTINGS};
	$node->append_conf('postgresql.conf', <<'CONF');
shared_preload_libraries = 'pg_cron'
cron.database_name = 'postgres'
cron.use_background_workers = on
max_worker_processes = 20
timezone = 'UTC'
CONF
}

sub create_extension
{
	my ($node, $database) = @_;

	$node->safe_psql($database, 'CREATE EXTENSION license_ext');
}

# What the SQL answers in a fresh connection of that login role, or the SQLSTATE and message it failed with.
# Statements before the failing one have been committed.
sub as_role
{
	my ($node, $role, $sql, $database) = @_;
	my ($status, $out, $err) = $node->psql($database // 'postgres', "\\set VERBOSITY verbose\n$sql",
		extra_params => [ '-q', '-U', $role ]);

	return $err =~ /(?:ERROR|FATAL):  (.*)/ ? $1 : "psql: $err" if $status != 0;
	return $out;
}

# One connection of that role, step after step. A step is an SQL statement, or [ SQL ] that a superuser runs meanwhile in a
# connection of its own. Answers for each statement what it returned, or the SQLSTATE it failed with.
sub session
{
	my ($node, $role, @steps) = @_;
	my $file = $node->basedir . '/meanwhile.sql';
	my $psql = sprintf "psql -X -q -o /dev/null -h '%s' -p %d -U postgres -d postgres", $node->host, $node->port;
	my ($script, $number, @answers) = ("\\set ON_ERROR_STOP off\n", 0);

	foreach my $step (@steps)
	{
		my $meanwhile = "$file." . $number++;

		if (ref $step)
		{
			PostgreSQL::Test::Utils::append_to_file("$meanwhile.$$", "$step->[0];\n");
			$script .= "\\! $psql -v ON_ERROR_STOP=1 -f '$meanwhile.$$' && rm '$meanwhile.$$'\n";
		}
		else
		{
			$script .= "$step;\n\\echo = :SQLSTATE\n";
		}
	}
	my ($status, $out) = $node->psql('postgres', $script, extra_params => [ '-q', '-U', $role ], on_error_stop => 0);
	my $rows = '';

	foreach my $line (split /\n/, $out)
	{
		my ($state) = $line =~ /^= (\w{5})$/;

		$rows .= "$line\n", next unless defined $state;
		push @answers, $state eq '00000' ? $rows =~ s/\n$//r : $state;
		$rows = '';
	}
	return @answers;
}

# Rows in every table, see fill.sql
sub fill
{
	my ($node, $database) = @_;

	$node->command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-o', $node->basedir . '/fill.log',
			'-f', "$FindBin::RealBin/fill.sql", $database ], 'every table has rows');
}

# The tables of the extension
sub tables
{
	my ($node, $database) = @_;

	return split /\n/, $node->safe_psql($database, <<'SQL');
SELECT oid::regclass FROM pg_class WHERE relnamespace = 'license'::regnamespace AND relkind IN ('r', 'p') ORDER BY 1
SQL
}

# A line for each table: how many rows it has, and all of them as one value
sub contents
{
	my ($node, $database, @tables) = @_;

	return $node->safe_psql($database,
		join(' UNION ALL ', map { "SELECT '$_', count(*), sum(hashtextextended(t::text, 0)) FROM $_ t" } @tables)
		. ' ORDER BY 1');
}

1;
