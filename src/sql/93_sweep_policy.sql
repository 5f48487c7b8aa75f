-- Who sees an account sees what the sweep passed by there.

CREATE POLICY sweep_state_policy ON license.sweep_state USING (license._sees(account_id));
